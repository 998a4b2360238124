//! The files of the pages, which are part of the program: our own modules as one script, and Plotly's.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::link::link;

macro_rules! modules {
    ($($path:literal)*) => { &[$(($path, include_str!(concat!("../../web/", $path)))),*] };
}

/// Every module of ours below `web/`, without its tests.
const MODULES: &[(&str, &str)] = modules! {
    "api.js"
    "app.js"
    "best.js"
    "chart.js"
    "columns.js"
    "dom.js"
    "filter.js"
    "format.js"
    "health.js"
    "help.js"
    "keys.js"
    "labels.js"
    "names.js"
    "page.js"
    "palette.js"
    "rows.js"
    "runstable.js"
    "selection.js"
    "state.js"
    "table.js"
    "time.js"
    "walk.js"
    "charts/astable.js"
    "charts/axes.js"
    "charts/axisview.js"
    "charts/brushes.js"
    "charts/chips.js"
    "charts/correlations.js"
    "charts/curves.js"
    "charts/dots.js"
    "charts/drawer.js"
    "charts/epochs.js"
    "charts/examples.js"
    "charts/history.js"
    "charts/importance.js"
    "charts/ledger.js"
    "charts/matrix.js"
    "charts/narrow.js"
    "charts/newsweep.js"
    "charts/outlook.js"
    "charts/parallel.js"
    "charts/progress.js"
    "charts/ribbons.js"
    "charts/series.js"
    "charts/slices.js"
    "charts/strands.js"
    "charts/training.js"
    "charts/yaml.js"
    "pages/compare.js"
    "pages/data.js"
    "pages/errors.js"
    "pages/project.js"
    "pages/run.js"
    "pages/sweep.js"
};

/// The page that all pages are.
pub(crate) const INDEX: &str = include_str!("../../web/index.html");
/// Style sheet of the pages, with the charts of sweeps and errors.
pub(crate) const STYLE: &str = concat!(include_str!("../../web/style.css"), "\n", include_str!("../../web/charts.css"));

/// Our modules as one script.
pub(crate) fn script() -> &'static str {
    static SCRIPT: LazyLock<String> =
        LazyLock::new(|| link("app.js", MODULES).expect("a test links the modules that are part of the program"));
    &SCRIPT
}

/// Plotly's script.
pub(crate) fn plotly() -> &'static str {
    static PLOTLY: LazyLock<String> = LazyLock::new(|| {
        let sources = plotly::Plot::offline_js_sources();
        // The first of two elements; the other is MathJax, which nothing here needs.
        let body = sources.split_once('>').and_then(|(_, rest)| rest.split_once("</script>"));
        body.map(|(body, _)| body.to_owned()).unwrap_or_default()
    });
    &PLOTLY
}

/// A file as it is sent.
pub(super) struct Asset {
    pub(super) kind: &'static str,
    text: fn() -> &'static str,
    ready: OnceLock<Ready>,
}

struct Ready {
    tag: String,
    packed: Vec<u8>,
}

impl Asset {
    const fn new(kind: &'static str, text: fn() -> &'static str) -> Self {
        Self { kind, text, ready: OnceLock::new() }
    }

    /// The file at an address.
    pub(super) fn at(path: &str) -> Option<&'static Self> {
        static FILES: [(&str, Asset); 3] = [
            ("/app.js", Asset::new("text/javascript; charset=utf-8", script)),
            ("/style.css", Asset::new("text/css; charset=utf-8", || STYLE)),
            ("/plotly.js", Asset::new("text/javascript; charset=utf-8", plotly)),
        ];
        FILES.iter().find(|(known, _)| *known == path).map(|(_, file)| file)
    }

    /// As it is.
    pub(super) fn plain(&self) -> &'static str {
        (self.text)()
    }

    /// Packed by gzip, which is done once.
    pub(super) fn packed(&'static self) -> &'static [u8] {
        &self.ready().packed
    }

    /// Tag of this version of the file, for caches.
    pub(super) fn tag(&'static self) -> &'static str {
        &self.ready().tag
    }

    fn ready(&'static self) -> &'static Ready {
        self.ready.get_or_init(|| {
            let text = self.plain();
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            Ready { tag: format!("\"{:016x}\"", hasher.finish()), packed: gzip(text) }
        })
    }
}

/// `text`, packed.
pub(super) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 3), Compression::default());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    packed.expect("writing to memory cannot fail")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;

    fn scripts(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() && name != "tests" {
                scripts(&path, &format!("{name}/"), found);
            } else if path.extension().is_some_and(|end| end == "js") {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_module_is_in_the_list() {
        let mut found = BTreeSet::new();
        scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web"), "", &mut found);
        assert_eq!(found, MODULES.iter().map(|(path, _)| (*path).to_owned()).collect());
    }

    #[test]
    fn every_style_is_part_of_the_style() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let styles: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "css")).collect();
        assert!(styles.len() > 1 && styles.iter().all(|path| STYLE.contains(&fs::read_to_string(path).unwrap())));
    }

    #[test]
    fn the_modules_make_a_script_that_javascript_takes() {
        let script = link("app.js", MODULES).map_err(|error| error.to_string()).unwrap();
        let node = Command::new("node").arg("--check").arg("-").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut node) = node else {
            // Past the test's own capture: that nothing was tested must be seen.
            let _ = writeln!(std::io::stderr(), "SKIPPED: the syntax of the linked script, as there is no node");
            return;
        };
        node.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let ended = node.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    #[test]
    fn plotly_is_cut_out_whole_and_alone() {
        let script = plotly();
        assert!(script.len() > 4_000_000 && script.contains("plotly.js v"), "{} bytes", script.len());
        assert!(!script.contains("</script") && !script.contains("MathJax.js"));
    }

    #[test]
    fn what_is_packed_is_what_it_was() {
        let asset = Asset::at("/style.css").unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(asset.packed()).read_to_string(&mut text).unwrap();
        assert_eq!(text, STYLE);
        assert_ne!(asset.tag(), Asset::at("/app.js").unwrap().tag());
        assert!(Asset::at("/../Cargo.toml").is_none());
    }
}
