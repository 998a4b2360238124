//! Makes one script of our own modules, for the server and for reports alike: a report opens from disk, where browsers load no
//! modules.
//!
//! Each module becomes a function that is called once and answers with what it exports; what it imports are constants taken
//! from the answers of others. So little of JavaScript is understood that it can be read line by line: imports are
//! `import { a, b as c } from './x.js';`, exports are declarations at the beginning of a line. Anything else is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A module that cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{module}, line {line}: {why}")]
pub(super) struct Error {
    module: String,
    line: usize,
    why: String,
}

/// Names in another module, each with the name here.
type Names<'a> = Vec<(&'a str, &'a str)>;

/// A module, taken apart.
struct Module<'a> {
    /// Names that it imports, each with its module and line.
    imports: Vec<(String, Names<'a>, usize)>,
    exports: Vec<&'a str>,
    body: String,
}

/// The script of `entry` and whatever it imports among `modules`, pairs of path and source.
pub(super) fn link(entry: &str, modules: &[(&str, &str)]) -> Result<String, Error> {
    let sources: BTreeMap<&str, &str> = modules.iter().copied().collect();
    let mut linked = Linked { sources, parsed: BTreeMap::new(), open: Vec::new(), order: Vec::new() };
    linked.take_in(entry, (entry, 0))?;
    let mut script = "'use strict';\n(() => {\n".to_owned();
    for path in &linked.order {
        let module = &linked.parsed[path];
        let _ = writeln!(script, "// {path}\nconst {} = (() => {{", variable(path));
        for (from, names, _) in &module.imports {
            let names: Vec<String> = names
                .iter()
                .map(|(there, here)| if there == here { (*there).to_owned() } else { format!("{there}: {here}") })
                .collect();
            let _ = writeln!(script, "const {{ {} }} = {};", names.join(", "), variable(from));
        }
        script.push_str(&module.body);
        let _ = writeln!(script, "return {{ {} }};\n}})();", module.exports.join(", "));
    }
    script.push_str("})();\n");
    Ok(script)
}

struct Linked<'a> {
    sources: BTreeMap<&'a str, &'a str>,
    parsed: BTreeMap<String, Module<'a>>,
    /// The modules that are waited for, which none of them may import.
    open: Vec<String>,
    /// Each after those that it imports.
    order: Vec<String>,
}

impl Linked<'_> {
    /// Takes in the module at `path`, which is imported at the place `by`.
    fn take_in(&mut self, path: &str, by: (&str, usize)) -> Result<(), Error> {
        let wrong = |why: String| Error { module: by.0.into(), line: by.1, why };
        if let Some(at) = self.open.iter().position(|open| open == path) {
            let circle = [&self.open[at..], &[path.to_owned()]].concat();
            return Err(wrong(format!("modules import each other in a circle: {}", circle.join(" → "))));
        }
        if self.parsed.contains_key(path) {
            return Ok(());
        }
        let source = self.sources.get(path).ok_or_else(|| wrong(format!("there is no module `{path}`")))?;
        let module = parse(path, source)?;
        self.open.push(path.into());
        for (from, names, line) in &module.imports {
            self.take_in(from, (path, *line))?;
            let exports = &self.parsed[from].exports;
            if let Some((missing, _)) = names.iter().find(|(there, _)| !exports.contains(there)) {
                let why = format!("`{from}` exports no `{missing}`");
                return Err(Error { module: path.into(), line: *line, why });
            }
        }
        self.open.pop();
        self.parsed.insert(path.into(), module);
        self.order.push(path.into());
        Ok(())
    }
}

fn parse<'a>(path: &str, source: &'a str) -> Result<Module<'a>, Error> {
    let mut module = Module { imports: Vec::new(), exports: Vec::new(), body: String::with_capacity(source.len()) };
    let mut remark = false;
    for (number, line) in source.lines().enumerate() {
        // Remarks are for who reads the modules; they would be a third of what is sent. Their lines stay, so that errors
        // name the line of the module.
        if is_remark(line.trim(), &mut remark) {
            module.body.push('\n');
            continue;
        }
        let wrong = |why: &str| Error { module: path.into(), line: number + 1, why: why.into() };
        if let Some(rest) = line.strip_prefix("import") {
            let (names, from) =
                import(rest).ok_or_else(|| wrong("an import is `import { a, b as c } from './x.js';` on one line"))?;
            let from =
                resolved(path, from).ok_or_else(|| wrong("an import names a file below the folder of the modules"))?;
            module.imports.push((from, names, number + 1));
            module.body.push('\n');
            continue;
        }
        if is_dynamic(line) {
            return Err(wrong("modules are imported at their beginning, not while they run"));
        }
        let Some(declaration) = line.strip_prefix("export") else {
            module.body.push_str(line);
            module.body.push('\n');
            continue;
        };
        let declaration = declaration.trim_start();
        let name = exported(declaration)
            .ok_or_else(|| wrong("an export is `export function`, `export const` or `export class` with a name"))?;
        if module.exports.contains(&name) {
            return Err(wrong("it is exported already"));
        }
        module.exports.push(name);
        module.body.push_str(declaration);
        module.body.push('\n');
    }
    Ok(module)
}

/// True if a line is nothing but a comment, or part of one that is `open`.
fn is_remark(line: &str, open: &mut bool) -> bool {
    let begins = *open || line.starts_with("/*");
    if begins {
        *open = !line.contains("*/");
        return *open || line.ends_with("*/") && line.matches("*/").count() == 1;
    }
    line.starts_with("//")
}

/// Names there and here, and the path, of what follows the word `import`.
fn import(rest: &str) -> Option<(Names<'_>, &str)> {
    let (names, from) = rest.trim().strip_prefix('{')?.split_once('}')?;
    let from = from.trim().strip_prefix("from")?.trim().strip_suffix(';')?.trim();
    let from = from.strip_prefix('\'').and_then(|from| from.strip_suffix('\''));
    let pairs = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let pairs: Option<Vec<_>> = pairs
        .map(|name| {
            let (there, here) = name.split_once(" as ").unwrap_or((name, name));
            Some((identifier(there.trim())?, identifier(here.trim())?))
        })
        .collect();
    Some((pairs?, from.filter(|from| !from.contains('\''))?))
}

/// The path that `from` means in the module at `path`.
fn resolved(path: &str, from: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    if !(from.starts_with("./") || from.starts_with("../")) {
        return None;
    }
    for part in from.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The name that a declaration makes.
fn exported(declaration: &str) -> Option<&str> {
    let rest = declaration.strip_prefix("async ").unwrap_or(declaration);
    let rest = ["function* ", "function ", "class ", "const "].iter().find_map(|word| rest.strip_prefix(word))?;
    let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    identifier(&rest[..end])
}

fn identifier(name: &str) -> Option<&str> {
    let starts = name.chars().next().is_some_and(|first| is_part(first) && !first.is_ascii_digit());
    (starts && name.chars().all(is_part) && name != "default").then_some(name)
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// True if a line imports something at run time; comments name types by the same word.
fn is_dynamic(line: &str) -> bool {
    let at = line.find("import(").or_else(|| line.find("import.meta"));
    at.is_some_and(|at| {
        let before = &line[..at];
        !(before.contains("/*") || before.contains("//") || before.trim_start().starts_with('*'))
    })
}

/// The constant that a module is in the script; no module has such a name of its own.
fn variable(path: &str) -> String {
    let word = |c: char| if is_part(c) { c } else { '_' };
    format!("$module_{}", path.chars().map(word).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_left_out_and_lines_keep_their_numbers() {
        let source = "/** What\n * it is. */\n// why\nconst a = 1; // kept\n/* one */ const b = 2;\n  /* two */\nconst c = a * b;";
        let body = parse("x.js", source).unwrap().body;
        let lines: Vec<&str> = body.lines().collect();
        assert_eq!(lines, ["", "", "", "const a = 1; // kept", "/* one */ const b = 2;", "", "const c = a * b;"]);
    }

    #[test]
    fn modules_come_after_what_they_import_and_take_it_by_name() {
        let script = link(
            "app.js",
            &[
                ("app.js", "// @ts-check\nimport { draw as paint } from './charts/a.js';\nimport { h } from './dom.js';\n\npaint(h());\n"),
                ("charts/a.js", "import { h } from '../dom.js';\n/** @returns {import('../dom.js').X} */\nexport async function draw(x) {\n  return h(x);\n}\nexport const $b = 1, c = 2;\nexport class D extends Error {}\n"),
                ("dom.js", "export function* h() {\n  const text = `\n  export`;\n}\n"),
                ("unused.js", "import x from 'y';"),
            ],
        )
        .unwrap();
        let expected = "'use strict';\n(() => {\n\
            // dom.js\nconst $module_dom_js = (() => {\nfunction* h() {\n  const text = `\n  export`;\n}\nreturn { h };\n})();\n\
            // charts/a.js\nconst $module_charts_a_js = (() => {\nconst { h } = $module_dom_js;\n\n\nasync function draw(x) {\n  return h(x);\n}\nconst $b = 1, c = 2;\nclass D extends Error {}\nreturn { draw, $b, D };\n})();\n\
            // app.js\nconst $module_app_js = (() => {\nconst { draw: paint } = $module_charts_a_js;\nconst { h } = $module_dom_js;\n\n\n\n\npaint(h());\nreturn {  };\n})();\n})();\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let told = |source: &str| {
            let modules = [("app.js", source), ("b.js", "import { a } from './app.js';\nexport const b = 1;")];
            link("app.js", &modules).unwrap_err().to_string()
        };
        for (source, said) in [
            ("import x from './b.js';", "line 1: an import is"),
            ("import * as b from './b.js';", "line 1: an import is"),
            ("import './b.js';", "line 1: an import is"),
            ("import { default as x } from './b.js';", "line 1: an import is"),
            ("import { b } from \"./b.js\";", "line 1: an import is"),
            ("import {\n  b,\n} from './b.js';", "line 1: an import is"),
            ("import { b } from 'b.js';", "line 1: an import names a file"),
            ("import { b } from '../b.js';", "line 1: an import names a file"),
            ("\nimport { b } from './c.js';", "line 2: there is no module `c.js`"),
            ("export default function x() {}", "line 1: an export is"),
            ("export { x };", "line 1: an export is"),
            ("export * from './b.js';", "line 1: an export is"),
            ("export let x = 1;", "line 1: an export is"),
            ("export const { x } = y;", "line 1: an export is"),
            ("export const x = 1;\nexport const x = 2;", "line 2: it is exported already"),
            ("const x = await import('./b.js');", "line 1: modules are imported at their beginning"),
            ("export const a = 1;\nimport { b } from './b.js';", "in a circle: app.js → b.js → app.js"),
        ] {
            assert!(told(source).contains(said), "{source}: {}", told(source));
        }
        let missing = link("app.js", &[("app.js", "\n\nimport { b } from './b.js';"), ("b.js", "")]).unwrap_err();
        assert_eq!(missing.to_string(), "app.js, line 3: `b.js` exports no `b`");
    }
}
