//! Finding and reading datasets in temporary folders, and the real files if `HANDLOOM_DATA_DIR` has them.

use std::fs;
use std::io::Write;

use super::*;

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Three training images and one test image of 2x1 pixels in `folder`.
fn put_files(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let files =
        [idx(&[3, 2, 1], &[1, 2, 3, 4, 5, 6]), idx(&[3], &[0, 4, 2]), idx(&[1, 2, 1], &[7, 8]), idx(&[1], &[1])];
    NAMES.iter().zip(files).for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
}

#[test]
fn a_folder_of_four_idx_files_has_as_many_classes_as_its_training_labels() {
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path());
    let name = folder.path().to_str().unwrap();
    let found = locate(name, &[]).unwrap();
    assert_eq!((found.name(), found.path(), found.to_string().as_str()), (name, Some(folder.path()), name));
    let train = found.train().unwrap();
    assert_eq!(train.classes, ["0", "1", "2", "3", "4"]);
    assert_eq!((train.image(1), &train.labels[..], &train.shape[..]), (&[3, 4][..], &[0, 4, 2][..], &[2, 1][..]));
    assert_eq!(found.test().unwrap().classes, train.classes);
    let sums = found.check().unwrap();
    assert!(sums.len() == 4 && sums.iter().all(|sum| sum.expected.is_none() && sum.sha256.len() == 64));
}

#[test]
fn the_test_set_is_not_opened_by_training() {
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path());
    fs::write(folder.path().join(NAMES[2]), "damaged").unwrap();
    let found = locate(folder.path().to_str().unwrap(), &[]).unwrap();
    found.train().unwrap();
    assert!(found.test().unwrap_err().to_string().contains(NAMES[2]));
}

#[test]
fn files_that_do_not_belong_together_are_named() {
    let cases = [
        (1, idx(&[2], &[0, 1]), "one label for each of the 3 images"),
        (0, idx(&[3], &[0, 1, 2]), "2 to 4 dimensions"),
        (0, idx(&[3, 0], &[]), "none of them 0"),
        (2, idx(&[1, 1, 2], &[0, 1]), "found [1, 2]"),
        (3, idx(&[1], &[5]), "labels below 5, found 5 as label 0"),
    ];
    for (file, bytes, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        put_files(folder.path());
        fs::write(folder.path().join(NAMES[file]), bytes).unwrap();
        let message = locate(folder.path().to_str().unwrap(), &[]).unwrap().check().unwrap_err().to_string();
        assert!(message.contains(NAMES[file]) && message.contains(words), "{message}");
    }
}

#[test]
fn a_folder_without_data_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    assert!(locate(name, &[]).unwrap_err().to_string().contains("four IDX files, or folders `train` and `test`"));
    put_files(folder.path());
    fs::remove_file(folder.path().join(NAMES[1])).unwrap();
    assert!(locate(name, &[]).unwrap_err().to_string().contains("found no `train-labels-idx1-ubyte`"));
    fs::remove_file(folder.path().join(NAMES[3])).unwrap();
    let message = locate(name, &[]).unwrap_err().to_string();
    assert!(message.contains("found no `train-labels-idx1-ubyte` and no `t10k-labels-idx1-ubyte`"), "{message}");
    for missing in ["./nothing", "/nothing/here", "nothing/here"] {
        assert!(matches!(locate(missing, &[]), Err(Error::NoFolder { .. })), "{missing}");
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let message = locate(file.to_str().unwrap(), &[]).unwrap_err().to_string();
    assert!(message.contains("expected a folder, found something else"), "{message}");
}

#[test]
fn the_test_files_are_checked_by_their_headers() {
    let cases = [
        (2, idx(&[1, 1, 2], &[0, 1]), "found [1, 2]"),
        (3, idx(&[2], &[0, 1]), "one label for each of the 1 images"),
        (2, vec![0x1f, 0x8b, 0, 0], "expected an IDX header of 4 bytes"),
        (2, Vec::new(), "found the end of the file"),
        (3, idx(&[1], &[5]), "labels below 5, found 5 as label 0"),
    ];
    for (file, bytes, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        put_files(folder.path());
        fs::write(folder.path().join(NAMES[file]), bytes).unwrap();
        let found = locate(folder.path().to_str().unwrap(), &[]).unwrap();
        found.train().unwrap();
        let message = found.check_test().unwrap_err().to_string();
        assert!(message.contains(NAMES[file]) && message.contains(words), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path());
    let located = || locate(folder.path().to_str().unwrap(), &[]).unwrap();
    // Only the header is read.
    fs::write(folder.path().join(NAMES[2]), idx(&[1, 2, 1], &[])).unwrap();
    assert_eq!(located().check_test().unwrap(), TestPart::Present);
    fs::remove_file(folder.path().join(NAMES[3])).unwrap();
    assert!(located().check_test().unwrap_err().to_string().contains("found no `t10k-labels-idx1-ubyte`"));
    fs::remove_file(folder.path().join(NAMES[2])).unwrap();
    let missing = "`t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte` are missing";
    assert_eq!(located().check_test().unwrap(), TestPart::Missing(missing.into()));
    let error = located().test().unwrap_err();
    assert!(matches!(&error, Error::NoTest { why, .. } if why == missing), "{error}");
    assert_eq!(located().check().unwrap().len(), 2);
}

#[test]
fn files_of_two_dimensions_take_another_size() {
    let folder = tempfile::tempdir().unwrap();
    put_files(folder.path());
    let reading = Reading { image_size: Some([4, 4]), ..Reading::default() };
    let found = locate(folder.path().to_str().unwrap(), &[]).unwrap().read_as(reading);
    let (data, notes) = found.train_with_notes().unwrap();
    assert_eq!((data.shape.as_slice(), data.images.len()), (&[4, 4][..], 48));
    assert_eq!(notes[0].text, "3 images of 2x1 pixels were converted to 4x4");
    assert_eq!(found.test().unwrap().shape, [4, 4]);
}

#[test]
fn files_of_a_known_name_in_an_unknown_folder_are_told_by_their_checksums_alone() {
    let root = tempfile::tempdir().unwrap();
    put_files(root.path());
    put_files(&root.path().join("raw"));
    // Files with the names of MNIST's and other content.
    let found = locate("mnist", &[root.path().into()]);
    assert!(found.map_or(true, |found| !found.path().unwrap().starts_with(root.path())));
    put_files(&root.path().join("MNIST/raw"));
    let found = locate("mnist", &[root.path().into()]).unwrap();
    assert_eq!(found.path(), Some(&*root.path().join("MNIST/raw")));
    for inside in ["MNIST", "MNIST/raw"] {
        assert_eq!(locate("mnist", &[root.path().join(inside)]).unwrap().path(), found.path());
    }
}

#[test]
fn an_unknown_name_is_not_missing_data() {
    let error = locate("fashon", &[]).unwrap_err();
    assert!(matches!(&error, Error::Unknown { name } if name == "fashon"));
    assert!(error.to_string().contains("`fashion_mnist`, `mnist`, `garments`"), "{error}");
}

#[test]
fn a_known_set_is_taken_from_the_first_directory_that_has_all_its_files() {
    let root = tempfile::tempdir().unwrap();
    let dirs = ["a", "b"].map(|dir| root.path().join(dir));
    put_files(&dirs[0].join("mnist"));
    put_files(&dirs[1].join("mnist"));
    fs::remove_file(dirs[0].join("mnist").join(NAMES[1])).unwrap();
    let found = locate("MNIST", &dirs).unwrap();
    assert_eq!((found.name(), found.path()), ("mnist", Some(&*dirs[1].join("mnist"))));
    assert_eq!(found.train().unwrap().classes.len(), 10);
    // These few pixels are not MNIST's, which only a check of the SHA-256 detects.
    assert!(found.check().unwrap_err().to_string().contains("expected SHA-256 ba891046"));
}

#[test]
fn garments_are_always_there() {
    let found = locate("Garments", &[]).unwrap();
    assert_eq!((found.path(), found.to_string().as_str()), (None, "garments (built in)"));
    let sums = found.check().unwrap();
    assert!(sums.len() == 2 && sums[0].file == Path::new("train") && sums[0].sha256 != sums[1].sha256);
}

#[test]
fn the_real_files_are_read_and_are_what_the_catalog_says() {
    let dirs = catalog::data_dirs(None);
    if dirs.is_empty() {
        // Not `eprintln`, which the test runner would swallow.
        writeln!(std::io::stderr(), "SKIPPED: HANDLOOM_DATA_DIR is not set, the real files were not read").unwrap();
        return;
    }
    for set in &catalog::SETS {
        let found = DataSource::known(set, &dirs[0].join(set.folder)).expect("the four files");
        assert!(found.check().unwrap().iter().all(|sum| sum.expected == Some(&sum.sha256)));
        let (train, test) = (found.train().unwrap(), found.test().unwrap());
        assert_eq!((train.len(), test.len(), train.shape), (60_000, 10_000, vec![28, 28]));
        let folder = in_folder("x", found.path().unwrap()).unwrap();
        assert_eq!((folder.name(), folder.train().unwrap().classes), (set.name, train.classes.clone()));
        let first = folder.read_as(Reading { rules: Rules::First, image_size: None });
        assert_eq!((first.name(), first.train().unwrap().classes[3].as_str()), ("x", "3"));
        assert_eq!(train.labels[..5], if set.name == "mnist" { [5, 0, 4, 1, 9] } else { [9, 0, 0, 3, 0] });
    }
}
