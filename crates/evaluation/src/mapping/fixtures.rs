//! A foreign folder of fixtures, in our tables; what is wrong with it is said in its own names.

use super::table::Twin;
use records::json::repeated;
use records::suggest::did_you_mean;
use serde_json::{Map, Value as Json};
use std::path::Path;
use store::Original;
use store::fixtures::{Fixtures, Problem, brief_text};

/// Read, translate and check a folder. Words are a policy's matter and are not checked.
pub(super) fn read(directory: &Path, twins: &[Twin]) -> Result<Fixtures, Vec<Problem>> {
    let (files, mut problems) = Fixtures::read(directory);
    let (mut translated, mut originals) = (Vec::new(), Vec::new());
    for (file, text) in files {
        match translate(&file, &text, twins, &mut originals) {
            Ok(table) => translated.push(table),
            Err(problem) => problems.push(Problem { file, row: None, column: None, problem }),
        }
    }
    // Rows that refer to a file which could not be read are no fault of theirs.
    if !problems.is_empty() {
        return Err(problems);
    }
    let checked = Fixtures::from_json(translated, &|_| None);
    let checked = checked.map_err(|found| found.into_iter().map(|problem| back(problem, twins)).collect::<Vec<_>>())?;
    Ok(checked.with_originals(originals))
}

/// A file in our names: that of the file it would be here, and its rows. What came in another form joins the originals.
fn translate(file: &str, text: &str, twins: &[Twin], originals: &mut Vec<Original>) -> Result<(String, Json), String> {
    let name = file.strip_suffix(".json").unwrap_or(file);
    let Some(twin) = twins.iter().find(|twin| twin.name == name) else {
        let hint = did_you_mean(name, twins.iter().map(|twin| twin.name.as_str()));
        return Err(format!("the mapping has no table {name:?}{hint}"));
    };
    let mut row = |row: Json| match row {
        Json::Object(row) => {
            originals.extend(twin.originals(&row));
            Json::Object(twin.row_in(row))
        }
        // Whatever it is, it is refused as no row.
        other => other,
    };
    let rows = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    if let Some(path) = repeated(text.as_bytes()) {
        return Err(format!("has {} twice", brief_text(&path)));
    }
    let rows = match rows {
        Json::Object(rows) => Json::Object(rows.into_iter().map(|(id, of)| (id, row(of))).collect::<Map<_, _>>()),
        Json::Array(rows) => rows.into_iter().map(row).collect(),
        other => other,
    };
    Ok((format!("{}.json", twin.table.name), rows))
}

/// A problem in the names of the environment.
fn back(problem: Problem, twins: &[Twin]) -> Problem {
    let table = problem.file.strip_suffix(".json").unwrap_or(&problem.file);
    let Some(twin) = twins.iter().find(|twin| twin.table.name == table) else { return problem };
    let column = problem.column.map(|ours| {
        let pair = twin.columns.iter().find(|pair| pair.column.name == ours);
        pair.map_or(ours, |pair| pair.name.clone())
    });
    Problem { file: format!("{}.json", twin.name), column, ..problem }
}
