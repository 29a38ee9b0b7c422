"""What a cluster and an index lack for latent terms."""
