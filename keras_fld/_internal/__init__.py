"""What every part of the package may use and users do not: files, images, progress, the version."""
