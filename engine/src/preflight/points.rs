//! Findings about the recovery points that a run would be launched from.

use crate::ids::{PlanId, ServerId};
use crate::limits;
use crate::point::PointError;

use super::finding::Roster;
use super::{Finding, Level, commands};

const CHECK: &str = "recovery points";

/// What is wrong, a finding each; of very many the first, and one about the rest.
pub(crate) fn findings(plan: &PlanId, roster: &Roster, problems: &[PointError]) -> Vec<Finding> {
    let (told, rest) = problems.split_at(problems.len().min(limits::POINT_PROBLEMS));
    let mut findings: Vec<Finding> = told
        .iter()
        .map(|problem| finding(plan, roster, problem))
        .collect();
    if !rest.is_empty() {
        let text = format!("and {} more problems like these", rest.len());
        let found = Finding::new(CHECK, Level::Problem, text).help(commands::points(plan));
        findings.push(found.of(roster, rest.iter().flat_map(servers)));
    }
    findings
}

fn finding(plan: &PlanId, roster: &Roster, problem: &PointError) -> Finding {
    let found = Finding::new(CHECK, Level::Problem, problem.to_string());
    match problem {
        PointError::Unreadable { target, error } => {
            found.at(target).help(commands::after(target, error))
        }
        problem => {
            let found = found.of(roster, servers(problem));
            found.help(commands::points(plan))
        }
    }
}

/// The servers of the plan that a problem is about.
fn servers(problem: &PointError) -> Vec<&ServerId> {
    match problem {
        PointError::ServerUnknown { .. }
        | PointError::Malformed { .. }
        | PointError::Unreadable { .. } => Vec::new(),
        PointError::Ambiguous { servers, .. } => servers.iter().collect(),
        PointError::NamedTwice { server }
        | PointError::Missing { server, .. }
        | PointError::NoneBefore { server, .. } => vec![&server.id],
    }
}
