"""What a call costs beside its arithmetic: small images on the host, launches that do nothing."""
