module tools/registry-3.0

go 1.26.0

toolchain go1.26.8

require github.com/distribution/distribution/v3 v3.0.0
