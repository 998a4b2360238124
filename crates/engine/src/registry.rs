//! The one macro: a closed list of named parts, each a plain struct.
//!
//! The order of a list is the order of the documentation. A part's hyperparameters are flat keys of the
//! configuration: [`Optimizer::read`](crate::optim::Optimizer::read) picks from them what the part has.

/// Declares an enum of parts that are chosen by name and deref to the part's trait.
///
/// The crate that uses it depends on `serde_json`; a part implements `Default`, serde's two traits and the part's trait.
#[macro_export]
macro_rules! registry {
    ($(#[$doc:meta])* $vis:vis enum $Enum:ident: $Trait:ident {
        $($name:literal $(| $alias:literal)* => $Part:ident($path:path)),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each part is documented at its struct")]
        $vis enum $Enum { $($Part($path)),+ }

        impl $Enum {
            /// Every name, in the order of the list.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Every alias with the name that it stands for.
            pub const ALIASES: &'static [(&'static str, &'static str)] = &[$($(($alias, $name),)*)+];

            /// Every part with its default fields, for tests, help and documentation.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$Part(Default::default())),+].into_iter()
            }

            /// The name used in configurations.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$Part(_) => $name),+ }
            }

            /// The part of this name or alias, whatever its case, with its default fields.
            pub fn named(name: &str) -> Option<Self> {
                match name.to_lowercase().replace('-', "_").as_str() {
                    $($name $(| $alias)* => Some(Self::$Part(Default::default())),)+
                    _ => None,
                }
            }

            /// Its hyperparameters by name.
            pub fn hyperparameters(&self) -> serde_json::Map<String, serde_json::Value> {
                let fields = match self { $(Self::$Part(part) => serde_json::to_value(part)),+ };
                match fields {
                    Ok(serde_json::Value::Object(fields)) => fields,
                    _ => serde_json::Map::new(),
                }
            }

            /// The part of this name with those of `values` that are its hyperparameters.
            pub fn read(name: &str, values: &serde_json::Map<String, serde_json::Value>) -> Option<Self> {
                let part = Self::named(name)?;
                let mut fields = part.hyperparameters();
                for (key, value) in &mut fields {
                    if let Some(given) = values.get(key) {
                        *value = given.clone();
                    }
                }
                let fields = serde_json::Value::Object(fields);
                match part { $(Self::$Part(_) => serde_json::from_value(fields).ok().map(Self::$Part)),+ }
            }
        }

        impl std::ops::Deref for $Enum {
            type Target = dyn $Trait;
            fn deref(&self) -> &Self::Target {
                match self { $(Self::$Part(part) => part),+ }
            }
        }
    };
}
