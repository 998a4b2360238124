# What `.ci/run` checks, without the real data.
check:
    cargo fmt --check --all
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo deny check bans licenses sources

# PyTorch's numbers for the engine's tests; wants a Python with torch and numpy.
goldens python="python3":
    {{python}} crates/engine/goldens/make.py

# Feeds every parser of foreign bytes with broken ones.
fuzz seconds="30":
    cargo run --release -p handloom-fuzz -- all --seconds {{seconds}}

# Writes the table of parts in the README anew.
parts:
    HANDLOOM_UPDATE=1 cargo test -p handloom --test house

# Writes the schema by which editors check sweep files anew.
schema:
    cargo run -p handloom-sweep --example schema

# Trains next to other tools and writes docs/performance.md anew; bench/README.md has the options.
bench *options:
    bench/run {{options}}
