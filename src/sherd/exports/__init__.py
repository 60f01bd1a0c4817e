"""Standards that others read, a file each; what can be read back is read beside its writer."""
