"""OpenSearch 2's zip lacks modules that an ordinary installation has: made from their jars."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .maven import run_maven
from .releases import JAR_MODULES, Release

POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>{name}</artifactId><version>1</version>
<packaging>pom</packaging>{body}</project>
"""
DEPENDENCY = """\
<dependencies><dependency><groupId>org.opensearch.plugin</groupId>
<artifactId>{artifact}</artifactId><version>{version}</version></dependency></dependencies>"""
DESCRIPTOR = """\
name={name}
description={name}
version={version}
opensearch.version={version}
java.version=11
classname=org.opensearch.{classname}
has.native.controller=false
"""
# What the scripting language's own policy file grants it; the jar does not carry the file.
PAINLESS_POLICY = """\
grant {
  permission java.lang.RuntimePermission "createClassLoader";
  permission java.lang.RuntimePermission "getClassLoader";
};
"""


def add_jar_modules(release: Release, home: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        jars = _fetch_jars(release, Path(name))
        in_core = {jar.name for jar in (home / "lib").glob("*.jar")}
        for module, (_, classname) in JAR_MODULES.items():
            folder = home / "modules" / module
            folder.mkdir()
            for jar in (jars / module / "target/dependency").glob("*.jar"):
                if jar.name not in in_core:  # twice the same class stops the server
                    jar.rename(folder / jar.name)
            descriptor = DESCRIPTOR.format(
                name=module, version=release.version, classname=classname
            )
            (folder / "plugin-descriptor.properties").write_text(descriptor, encoding="utf-8")
    policy = home / "modules/lang-painless/plugin-security.policy"
    policy.write_text(PAINLESS_POLICY, encoding="utf-8")


def _fetch_jars(release: Release, folder: Path) -> Path:
    """One Maven build with a project for each module, so that Maven starts once."""
    names = "".join(f"<module>{module}</module>" for module in JAR_MODULES)
    pom = POM.format(name="modules", body=f"<modules>{names}</modules>")
    (folder / "pom.xml").write_text(pom, encoding="utf-8")
    for module, (artifact, _) in JAR_MODULES.items():
        body = DEPENDENCY.format(artifact=artifact, version=release.version)
        (folder / module).mkdir()
        pom = POM.format(name=module, body=body)
        (folder / module / "pom.xml").write_text(pom, encoding="utf-8")
    run_maven("copy-dependencies", folder, "-DincludeScope=runtime")
    return folder
