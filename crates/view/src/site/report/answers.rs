//! The answers that the pages of a report ask for, as many as there is room for.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::curves::{METRICS, MOST as CURVES};
use super::super::errors::{Set, cell_of};
use super::super::{ApiError, Site};
use super::element::Form;
use super::{AUTHOR, Chosen, UNCHECKABLE};
use crate::words::component;

/// Examples of a cell; the dashboard shows more.
const OF_A_CELL: usize = 12;
/// Cells of a set of images, the fullest.
const CELLS: usize = 24;

/// Answers by address.
pub(super) struct Answers<'a> {
    site: &'a Site,
    held: Map<String, Value>,
    /// Bytes that are left.
    room: usize,
    form: Form,
    left_out: Vec<String>,
    given: Option<Given<'a>>,
}

/// The answers of a report that is made again. It holds the same addresses; what cannot be made is taken from it.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) answers: &'a Map<String, Value>,
    /// The runs that were not trained again.
    pub(super) unchecked: &'a BTreeSet<String>,
    /// The runs whose figures about the test set cannot be made.
    pub(super) untested: &'a BTreeSet<String>,
    /// The data sets that are not at hand.
    pub(super) no_data: &'a BTreeSet<String>,
}

impl Given<'_> {
    fn get(&self, address: &str) -> Result<Value, ApiError> {
        let absent = || ApiError::new(403, format!("the report does not hold `{address}`"), "");
        self.answers.get(address).cloned().ok_or_else(absent)
    }
}

impl<'a> Answers<'a> {
    /// None yet, and room for so many bytes, or for what is `given`.
    pub(super) fn new(site: &'a Site, room: usize, given: Option<Given<'a>>) -> Self {
        Self { site, held: Map::new(), room, form: Form::Plain, left_out: Vec::new(), given }
    }

    /// Answers, their form, and the addresses that are left out.
    pub(super) fn done(self) -> (Map<String, Value>, Form, Vec<String>) {
        (self.held, self.form, self.left_out)
    }

    /// Takes what there is no report without; the answer is the run of the best trial of each sweep.
    pub(super) fn needed(&mut self, chosen: &Chosen) -> Result<Vec<Option<String>>, ApiError> {
        let mut winners = Vec::new();
        for id in &chosen.sweeps {
            let answer = self.must(&format!("/api/sweeps/{}", component(id)))?;
            winners.push(answer["best"]["run"].as_str().map(str::to_owned));
        }
        self.must("/api/sweeps")?;
        let mut project = self.site.answer("/api/project")?;
        if let Some(given) = self.given
            && project["best"].as_str().is_some_and(|best| given.unchecked.contains(best))
        {
            project["headline"] = given.get("/api/project")?["headline"].clone();
        }
        self.put("/api/project", project);
        self.must("/api/runs")?;
        self.curves()?;
        self.put("/api/report", json!({"author": AUTHOR, "uncheckable": UNCHECKABLE}));
        Ok(winners)
    }

    /// Chooses the form in which what is needed and `besides` take no more than there is room for, if there is one.
    pub(super) fn settle(&mut self, besides: &Value) {
        let take = |form: Form| {
            let held = self.held.iter().map(|(address, answer)| size(address, answer, form));
            held.sum::<usize>() + form.size(besides)
        };
        let mut taken = take(Form::Plain);
        if taken > self.room {
            self.form = Form::Packed;
            taken = take(Form::Packed);
        }
        self.room = self.room.saturating_sub(taken);
    }

    /// Takes every other answer that there is room for; `detailed` are the runs with all their pages.
    pub(super) fn pages(&mut self, detailed: &[String]) -> Result<(), ApiError> {
        for id in detailed {
            self.run(id)?;
        }
        let mut sets = Vec::new();
        for id in detailed {
            for set in [Set::Validation, Set::Test] {
                if self.errors(id, set) {
                    sets.push((id, set));
                }
            }
        }
        self.data();
        if let [a, b] = detailed {
            self.compared(a, b);
            self.compared(b, a);
        }
        // In turn, so that no run takes all the room.
        for rank in 0..CELLS {
            for (id, set) in &sets {
                self.cell(id, *set, rank);
            }
        }
        let seen = self.site.seen()?;
        let mut trials: Vec<_> = seen.runs.iter().filter(|run| !detailed.contains(&run.id)).collect();
        trials.sort_by(|a, b| b.val_accuracy.unwrap_or(-1.0).total_cmp(&a.val_accuracy.unwrap_or(-1.0)));
        // The best, to the first that there is no room for.
        let there = trials.iter().take_while(|run| self.run(&run.id).unwrap_or(true)).count();
        if there < trials.len() {
            let without = trials.len() - there;
            self.left_out.push(format!("the pages of {without} trials, which the table and charts still show"));
        }
        Ok(())
    }

    /// The curves of all runs at once: of more than fit a chart those of the best.
    fn curves(&mut self) -> Result<(), ApiError> {
        let seen = self.site.seen()?;
        let mut runs: Vec<_> = seen.runs.iter().collect();
        runs.sort_by(|a, b| b.val_accuracy.unwrap_or(-1.0).total_cmp(&a.val_accuracy.unwrap_or(-1.0)));
        let ids: Vec<&str> = runs.iter().take(CURVES).map(|run| run.id.as_str()).collect();
        for metric in METRICS {
            let answer = self.site.answer(&format!("/api/curves?runs={}&metric={metric}", ids.join(",")))?;
            self.put(&format!("/api/curves?metric={metric}"), answer);
        }
        Ok(())
    }

    /// The page of a run; false if there is no room for it.
    fn run(&mut self, id: &str) -> Result<bool, ApiError> {
        let address = format!("/api/runs/{}", component(id));
        if let Some(given) = self.given.filter(|given| given.unchecked.contains(id)) {
            return Ok(given.get(&address).is_ok_and(|answer| self.fit(&address, answer)));
        }
        let mut answer = self.site.answer(&address)?;
        // Flags that were typed name folders; the command that makes the run again is there without them.
        answer["host"] = Value::Null;
        answer["typed"] = Value::Null;
        answer["may_open_test"] = Value::from(false);
        if let Some(given) = self.given.filter(|given| given.untested.contains(id))
            && let Ok(reported) = given.get(&address)
        {
            answer["test"] = reported["test"].clone();
            let is_test = |sentence: &&mut Value| sentence["rule"] == "test";
            let own = answer["headline"].as_array_mut().and_then(|said| said.iter_mut().find(is_test));
            let theirs = reported["headline"].as_array().and_then(|said| said.iter().find(|one| one["rule"] == "test"));
            if let (Some(own), Some(theirs)) = (own, theirs) {
                *own = theirs.clone();
            }
        }
        Ok(self.fit(&address, answer))
    }

    /// The answers given for the pages of errors, where these cannot be made.
    fn instead(&self, id: &str, set: Set) -> Option<Given<'a>> {
        let untested = |given: &Given<'_>| set == Set::Test && given.untested.contains(id);
        self.given.filter(|given| given.unchecked.contains(id) || untested(given))
    }

    /// Adds the errors of a run in a set; false if they are not in the report. A test set that is closed stays so.
    fn errors(&mut self, id: &str, set: Set) -> bool {
        let address = format!("/api/runs/{}/errors?set={}", component(id), set.name());
        let answer = self.instead(id, set).map_or_else(|| self.site.answer(&address), |given| given.get(&address));
        match answer {
            Ok(answer) => self.fit(&address, answer),
            Err(trouble) if trouble.status == 403 => false,
            Err(trouble) => {
                self.left_out.push(format!("the errors of run `{id}` ({}): {}", set.name(), trouble.error));
                false
            }
        }
    }

    /// The examples of the cell of errors with this rank by its number of images.
    fn cell(&mut self, id: &str, set: Set, rank: usize) {
        let errors = format!("/api/runs/{}/errors?set={}", component(id), set.name());
        let Some((_, t, p)) = fullest(&self.held[&errors]["confusion"]).into_iter().nth(rank) else { return };
        let id_part = component(id);
        let address = format!("/api/runs/{id_part}/errors/cell?set={}&true={t}&predicted={p}", set.name());
        let answer = match self.instead(id, set) {
            Some(given) => given.get(&address),
            None => cell_of(self.site, id, set, [t, p], OF_A_CELL),
        };
        if let Ok(answer) = answer {
            self.fit(&address, answer);
        }
    }

    fn data(&mut self) {
        let Ok(list) = self.site.answer("/api/data") else { return };
        for one in list.as_array().map(Vec::as_slice).unwrap_or_default() {
            if let Some(name) = one["name"].as_str() {
                let address = format!("/api/data/{}", component(name));
                let given = self.given.filter(|given| given.no_data.contains(name));
                let answer = given.map_or_else(|| self.site.answer(&address), |given| given.get(&address));
                if let Ok(mut answer) = answer {
                    answer["path"] = Value::Null;
                    self.fit(&address, answer);
                }
            }
        }
        self.put("/api/data", list);
    }

    /// An answer that is needed.
    fn must(&mut self, address: &str) -> Result<&Value, ApiError> {
        let answer = self.site.answer(address)?;
        self.put(address, answer);
        Ok(&self.held[address])
    }

    /// Two runs side by side, if they can be compared.
    fn compared(&mut self, a: &str, b: &str) {
        let address = format!("/api/compare?a={}&b={}", component(a), component(b));
        let given = self.given.filter(|given| [a, b].iter().any(|id| given.unchecked.contains(*id)));
        if let Ok(answer) = given.map_or_else(|| self.site.answer(&address), |given| given.get(&address)) {
            self.fit(&address, answer);
        }
    }

    /// Takes an answer if there is room for it.
    fn fit(&mut self, address: &str, answer: Value) -> bool {
        let size = size(address, &answer, self.form);
        // The size of compressed answers is not the same on every processor.
        let fits = self.given.map_or(size <= self.room, |given| given.answers.contains_key(address));
        if fits {
            self.room = self.room.saturating_sub(size);
            self.put(address, answer);
        }
        fits
    }

    fn put(&mut self, address: &str, answer: Value) {
        self.held.insert(address.into(), answer);
    }
}

/// Bytes that an answer takes in the file.
fn size(address: &str, answer: &Value, form: Form) -> usize {
    form.size(answer) + address.len() + 6
}

/// The cells of errors, those with the most images first.
fn fullest(confusion: &Value) -> Vec<(u64, usize, usize)> {
    let rows = confusion.as_array().map(Vec::as_slice).unwrap_or_default();
    let cells = rows.iter().enumerate().flat_map(|(t, row)| {
        let row = row.as_array().map(Vec::as_slice).unwrap_or_default();
        row.iter().enumerate().map(move |(p, count)| (count.as_u64().unwrap_or(0), t, p))
    });
    let mut cells: Vec<_> = cells.filter(|&(count, t, p)| t != p && count > 0).collect();
    cells.sort_by_key(|&(count, ..)| std::cmp::Reverse(count));
    cells
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_fullest_cells_of_errors_come_first() {
        let confusion = json!([[50, 3, 9], [0, 50, 4], [9, 0, 50]]);
        assert_eq!(fullest(&confusion), [(9, 0, 2), (9, 2, 0), (4, 1, 2), (3, 0, 1)]);
        assert!(fullest(&Value::Null).is_empty());
    }
}
