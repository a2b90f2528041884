"""Reports: findings and differences as files, one module per family of formats. `formats` is the table of them."""
