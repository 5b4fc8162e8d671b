"""Generated from the published proto of COSI by `python -m hack.cosi_driver.stubs`."""
