"""The dummy agencies of Kota Digital Sejahtera, each a package of its own beside `kit` and `world`."""
