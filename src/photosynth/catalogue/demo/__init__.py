"""Built-in demo objects and random packages: supermarket goods drawn and modelled by code, without downloads."""
