# The dashboard and the report: our modules by Node, and the pages in Debian's Chromium. Sourced by `run`, which makes
# $scratch and builds the program.
# shellcheck shell=bash

web=crates/view/web
modules=$scratch/modules

# npm_install PACKAGE...: into a folder outside the repository, once each.
npm_install() {
    mkdir -p "$modules"
    [[ -e $modules/package.json ]] || echo '{"private": true}' >"$modules/package.json"
    timeout 240 npm install --prefix "$modules" --no-save --no-audit --no-fund --silent "$@"
}

with_node() {
    command -v node >/dev/null || skip "no node"
    local major
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [[ $major -ge 20 ]] || skip "node $major is older than 20"
}

modules_checked() {
    with_node
    local file
    while IFS= read -r file; do node --check "$file"; done < <(git ls-files "$web/*.js" "crates/view/tests/browser/*.mjs")
    node --test "$web/tests/"
}

modules_typed() {
    with_node
    command -v npm >/dev/null || skip "no npm"
    npm_install typescript@5 || skip "npm cannot install typescript"
    # Tests import what Node ships, whose types are a package of their own.
    git ls-files "$web/*.js" | grep -v "^$web/tests/" |
        xargs "$modules/node_modules/.bin/tsc" --noEmit --allowJs --checkJs --strict --target es2022 --module es2022 \
            --moduleResolution bundler --lib es2023,dom,dom.iterable --typeRoots "$modules/no-types"
}

# find_chromium: sets $chromium; installs Debian's package where that may be done.
find_chromium() {
    chromium=$(command -v chromium || true)
    [[ -n $chromium ]] && return
    [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null || skip "no chromium, and only root may install it by apt-get"
    DEBIAN_FRONTEND=noninteractive timeout 400 apt-get install -y --no-install-recommends -qq chromium fonts-dejavu-core >/dev/null ||
        { timeout 120 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 400 apt-get install -y --no-install-recommends -qq chromium fonts-dejavu-core >/dev/null; } ||
        skip "apt-get cannot install chromium"
    chromium=$(command -v chromium) || skip "no chromium after its installation"
}

# A store with generated runs, and with two small models for the pages that ask a model.
browser_store() {
    local handloom=$1 store=$2 name
    cargo run --quiet --release --locked -p handloom --example stores -- "$store" --runs 142
    for name in plain wide; do
        "$handloom" train -d garments -e 3 -nhl 1 -sz "$([[ $name == wide ]] && echo 64 || echo 16)" --no-test --quiet --json \
            --store "$store" --name "$name" >/dev/null
    done
}

in_browser() {
    with_node
    command -v npm >/dev/null || skip "no npm"
    local chromium
    find_chromium
    npm_install playwright-core@1 axe-core@4 || skip "npm cannot install playwright-core and axe-core"
    local handloom
    handloom=$(realpath "$target/release/handloom")
    browser_store "$handloom" "$scratch/browser-store"
    cargo run --quiet --release --locked -p handloom --example stores -- "$scratch/large-store" --runs 10000
    HANDLOOM_TEST_PROGRAM=$handloom HANDLOOM_TEST_STORE=$scratch/browser-store HANDLOOM_TEST_LARGE_STORE=$scratch/large-store \
        HANDLOOM_TEST_CHROMIUM=$chromium HANDLOOM_TEST_MODULES=$modules \
        node --test --test-concurrency=1 --test-reporter=spec crates/view/tests/browser/*.test.mjs
}

step "web modules: syntax and unit tests" modules_checked
step "web modules: types" modules_typed
step "dashboard and report in Chromium" in_browser
