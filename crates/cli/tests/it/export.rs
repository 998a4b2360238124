//! `export` as its users see it.

use crate::support::Place;

const TINY: &str = "train -d garments -e 2 -nhl 1 -sz 8 --no-progress --json";

#[test]
fn a_model_is_exported_from_a_run_and_from_a_file() {
    let place = Place::new();
    let run = place.run(&format!("{TINY} --out mine.safetensors")).code(0).events().pop().unwrap();
    let id = run["run"].as_str().unwrap();
    let ended = place.run("export @last --format safetensors -o copy.safetensors").code(0);
    assert_eq!(ended.stdout, "copy.safetensors\n");
    let evaluated = place.run("evaluate copy.safetensors --json").code(0).events().pop().unwrap();
    assert_eq!(evaluated["test_accuracy"], run["test_accuracy"]);
    let starts: [(&str, &[u8]); 2] = [("onnx", b"\x08\x07"), ("npz", b"PK\x03\x04")];
    for (format, start) in starts {
        place.run(&format!("export @last --format {}", format.to_uppercase())).code(0);
        place.run(&format!("export mine.safetensors -f {format}")).code(0);
        let [of_run, of_file] =
            [id, "mine"].map(|stem| std::fs::read(place.path(&format!("{stem}.{format}"))).unwrap());
        assert!(of_run.starts_with(start) && of_run.len() > 4 * 6_370, "{format}: {}", of_run.len());
        assert_eq!(of_run, of_file, "{format}");
    }
    let json = place.run("export @last --format npz --json").code(0).events().pop().unwrap();
    assert_eq!(json["path"], format!("{id}.npz"));
}

#[test]
fn runs_become_a_table_and_so_do_their_epochs() {
    let place = Place::new();
    place.run(&format!("{TINY} --name first --tag a --tag b")).code(0);
    place.run(&format!("{TINY} --name second -e 1 --no-test --seed 7")).code(0);
    assert_eq!(place.run("export --format csv").code(0).stdout, "runs.csv\n");
    let text = std::fs::read_to_string(place.path("runs.csv")).unwrap();
    let table: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(table.len(), 3);
    let cell = |row: usize, column: &str| table[row][table[0].iter().position(|name| *name == column).expect(column)];
    assert_eq!([cell(1, "name"), cell(1, "tags"), cell(1, "epochs"), cell(1, "seed")], ["first", "a b", "2", "1"]);
    assert_eq!(
        [cell(2, "name"), cell(2, "test_accuracy"), cell(2, "seed"), cell(2, "status")],
        ["second", "", "7", "finished"]
    );
    for column in ["train_loss", "val_accuracy", "best_val_accuracy", "best_epoch", "test_accuracy", "learning_rate"] {
        assert!(cell(1, column).parse::<f64>().is_ok(), "{column}");
    }
    let epochs = place.run("export first second --format csv --epochs -o -").code(0).stdout;
    let lines: Vec<&str> = epochs.lines().collect();
    assert!(lines[0].starts_with("run,name,epoch,train_loss,"), "{}", lines[0]);
    assert_eq!(lines.len(), 1 + 2 + 1);
}

#[test]
fn a_run_of_the_store_becomes_a_run_of_wandb() {
    let place = Place::new();
    let run = place.run(&format!("{TINY} --name named --notes remark")).code(0).events().pop().unwrap();
    assert!(!place.path("wandb").exists());
    let ended = place.run("export @last --format wandb -wp demo -o there").code(0);
    let folder = place.path(ended.stdout.trim());
    assert!(folder.starts_with(place.path("there/wandb")), "{}", folder.display());
    assert!(ended.stderr.contains(&format!("next:  wandb sync {}", ended.stdout.trim())), "{}", ended.stderr);
    let log = std::fs::read(folder.join(format!("run-{}.wandb", run["run"].as_str().unwrap()))).unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    for text in ["demo", "named", "remark", "hidden_size", "val_accuracy", "best_epoch", "test_accuracy"] {
        assert!(log.contains(text), "{text}");
    }
    assert!(log.contains(&run["test_accuracy"].to_string()));
}

#[test]
fn what_cannot_be_exported_is_named() {
    let place = Place::new();
    for (line, code, expected) in [
        ("export @last --format pickle", 2, "onnx, npz, safetensors, csv, wandb"),
        ("export @last", 2, "--format"),
        ("export --format onnx", 2, "handloom export @last --format onnx"),
        ("export a b --format npz", 2, "one model or run, not 2"),
        ("export @last --format onnx", 2, "no run `@last`"),
        ("export --format csv", 2, "there is no run"),
        ("export x --format onnx --epochs", 2, "--format csv"),
        ("export none.safetensors --format onnx", 3, "none.safetensors"),
        ("export nobody --format wandb", 2, "no run `nobody`"),
    ] {
        let ended = place.run(line).code(code);
        assert!(ended.stderr.contains(expected), "{line}: {}", ended.stderr);
    }
    place.add_run("modelles", "no_model", "garments", None, None);
    place.run("export modelles --format onnx").code(3);
    place.garments_model("m.safetensors");
    let ended = place.run("export m.safetensors --format onnx -o no/such/m.onnx");
    assert!(ended.code == 0 && place.path("no/such/m.onnx").is_file() || ended.code == 1, "{}", ended.stderr);
}
