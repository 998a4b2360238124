//! A finished picture and the files it can be saved as.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use handloom_engine::model::write_atomically;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

/// Longest side (units) up to which a PNG has two pixels per unit.
const SHARP: f64 = 2500.0;

/// A finished picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Summary of the picture in one sentence: its alternative text.
    pub caption: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) svg: String,
}

/// Failure to save a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file's name has no known extension.
    #[error("`{}` ends in neither `.png` nor `.svg`\nhint: the file's ending chooses the kind of picture", .path.display())]
    Extension {
        /// The file as it was named.
        path: PathBuf,
    },
    /// The picture cannot be rasterized.
    #[error("a PNG of {width} x {height} units cannot be drawn: {reason}\nhint: save it as `.svg`")]
    Raster {
        /// Width in units.
        width: f64,
        /// Height in units.
        height: f64,
        /// Error message of the rasterizer.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] handloom_engine::model::Error),
}

impl Picture {
    /// The picture as an SVG document that needs no other file.
    pub fn to_svg(&self) -> &str {
        &self.svg
    }

    /// The picture as the bytes of a PNG file.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        let failed = |reason: String| Error::Raster { width: self.width, height: self.height, reason };
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.load_font_data(dejavu::sans::bold().to_vec());
        let options = Options { fontdb: Arc::new(fonts), ..Options::default() };
        let tree = Tree::from_str(&self.svg, &options).map_err(|e| failed(e.to_string()))?;
        let scale = if self.width.max(self.height) > SHARP { 1.0 } else { 2.0 };
        let side = |units: f64| (units * scale) as u32;
        let mut pixels = Pixmap::new(side(self.width), side(self.height)).ok_or_else(|| failed("too large".into()))?;
        resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut pixels.as_mut());
        pixels.encode_png().map_err(|e| failed(e.to_string()))
    }

    /// Writes the picture as PNG or SVG, whichever `path` ends in; the file is there whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        let bytes = match ending.to_str() {
            Some("png") => self.to_png()?,
            Some("svg") => self.svg.clone().into_bytes(),
            _ => return Err(Error::Extension { path: path.to_owned() }),
        };
        Ok(write_atomically(path, &bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confusion;

    #[test]
    fn the_ending_chooses_the_kind_of_file() {
        let picture = confusion("Two", &["a", "b"].map(str::to_owned), &[vec![1, 2], vec![3, 4]]);
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| {
            picture.save(&folder.path().join(name)).unwrap();
            std::fs::read(folder.path().join(name)).unwrap()
        };
        assert_eq!(read("a.PNG"), picture.to_png().unwrap());
        assert_eq!(read("a.svg"), picture.to_svg().as_bytes());
        for wrong in ["a.gif", "a", "png", "."] {
            let error = picture.save(Path::new(wrong)).unwrap_err();
            assert!(matches!(error, Error::Extension { .. }) && error.to_string().contains("`.png` nor `.svg`"));
        }
        assert!(matches!(picture.save(&folder.path().join("a.svg/b.svg")), Err(Error::Write(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
