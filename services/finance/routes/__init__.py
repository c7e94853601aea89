"""The finance agency's HTTP faces: master data, budget, documents, bills, and the dialect beside them."""
