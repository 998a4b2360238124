//! Paths as people type them: `~` is the home folder, and what a shell should have expanded is refused.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// Error of a path with `~` or a variable that was not expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// `~` where the home folder is not known.
    #[error("`{path}` is in the home folder, but there is none\nhint: set HOME, or write the path from `/`")]
    NoHome {
        /// As typed.
        path: String,
    },
    /// The home folder of another user.
    #[error(
        "`{path}` names the home folder of another user, which is not looked up\nhint: write the path from `/`, or `./{path}` for a file of that name"
    )]
    OtherHome {
        /// As typed.
        path: String,
    },
    /// A variable that no shell replaced.
    #[error(
        "`{variable}` in the path `{path}` was not replaced by its value\nhint: shells do so outside single quotes; in a file, write the path out"
    )]
    Variable {
        /// As typed.
        path: String,
        /// The variable with its `$`.
        variable: String,
    },
}

/// The path that `text` means. A file that is really called `~name` or `$name` is taken if it exists, or as `./~name`.
pub fn expand(text: &str) -> Result<PathBuf, PathError> {
    let path = Path::new(text);
    if let Some(rest) = text.strip_prefix('~') {
        let below = rest.strip_prefix(['/', MAIN_SEPARATOR]);
        if rest.is_empty() || below.is_some() {
            let home = etcetera::home_dir().map_err(|_| PathError::NoHome { path: text.into() })?;
            let below = below.unwrap_or_default().trim_start_matches(['/', MAIN_SEPARATOR]);
            check_variables(text)?;
            return Ok(if below.is_empty() { home } else { home.join(below) });
        }
        if !path.exists() {
            return Err(PathError::OtherHome { path: text.into() });
        }
    }
    if !path.exists() {
        check_variables(text)?;
    }
    Ok(path.into())
}

/// True if `text` is written like a path, and not like the name of a dataset.
pub fn looks_like_path(text: &str) -> bool {
    text.contains(['/', MAIN_SEPARATOR]) || text.starts_with(['.', '~']) || Path::new(text).is_absolute()
}

fn check_variables(text: &str) -> Result<(), PathError> {
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let name = rest.strip_prefix('{').unwrap_or(rest);
        let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        if length > 0 && !name.starts_with(|c: char| c.is_ascii_digit()) {
            let (open, close) = if rest.starts_with('{') { ("{", "}") } else { ("", "") };
            let variable = format!("${open}{}{close}", &name[..length]);
            return Err(PathError::Variable { path: text.into(), variable });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_is_written_with_a_tilde() {
        let home = etcetera::home_dir().unwrap();
        assert_eq!(expand("~").unwrap(), home);
        assert_eq!(expand("~/").unwrap(), home);
        assert_eq!(expand("~//a/b").unwrap(), home.join("a/b"));
        for plain in ["a", "./~", "a/~", "a~", "", "/~/x", "a$", "a$1", "$", "100$/x"] {
            assert_eq!(expand(plain).unwrap(), Path::new(plain));
        }
    }

    #[test]
    fn other_users_and_variables_are_refused() {
        assert_eq!(expand("~bob/x"), Err(PathError::OtherHome { path: "~bob/x".into() }));
        for (text, variable) in [("$HOME/x", "$HOME"), ("a/${DATA}/b", "${DATA}"), ("~/$X", "$X"), ("a/$_b", "$_b")] {
            assert_eq!(expand(text), Err(PathError::Variable { path: text.into(), variable: variable.into() }));
        }
        let message = expand("$HOME/x").unwrap_err().to_string();
        assert!(message.starts_with("`$HOME` in the path `$HOME/x` was not replaced"), "{message}");
    }

    #[test]
    fn paths_are_told_from_names() {
        assert!(["a/b", "./a", "/a", "~", ".."].into_iter().all(looks_like_path));
        assert!(!["a", "fashion_mnist", "a.b"].into_iter().any(looks_like_path));
    }
}
