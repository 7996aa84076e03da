"""Where to drive: starting the embedded pipeline, provisioning organizations and users, cleaning up."""
