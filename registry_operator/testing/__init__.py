"""The shipped test kit: virtual-time event loop, fakes, builders."""
