//! The list of executions: one line each.

use jiff::Timestamp;

use crate::store::summary::Summary;

use super::{about::date_and_clock, columns, duration};

/// Executions as aligned columns, in the order given; the instant is of wall time, as lists are.
pub fn listing(summaries: &[Summary], wall: Timestamp) -> String {
    let heading = [
        "EXECUTION",
        "PLAN",
        "MODE",
        "STATUS",
        "STARTED",
        "TOOK",
        "WAVES",
    ];
    let mut rows = vec![heading.map(ToOwned::to_owned).to_vec()];
    rows.extend(summaries.iter().map(|summary| row(summary, wall)));
    columns(&rows)
}

fn row(summary: &Summary, wall: Timestamp) -> Vec<String> {
    let ended = summary.ended_at;
    let span = duration(ended.unwrap_or(wall).duration_since(summary.started_at));
    let took = match ended {
        None if !summary.is_terminal => format!("{span} so far"),
        _ => span,
    };
    vec![
        summary.execution_id.to_string(),
        summary.plan_name.clone(),
        summary.mode.as_str().to_owned(),
        summary.status.clone(),
        date_and_clock(summary.started_at),
        took,
        summary.wave_status.clone(),
    ]
}
