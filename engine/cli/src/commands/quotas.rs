//! `drsctl quotas`: what DRS allows in an account and Region, and how much of it is in use.

use drs_engine::ids::Target;
use drs_engine::in_use::{InUse, Quota, in_use};
use drs_engine::limits;
use drs_engine::ports::{CallError, Clock, Job, Outside};
use drs_engine::report;
use serde_json::{Value, json};

use crate::calls;
use crate::cli;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

use super::several;

pub(crate) async fn quotas<D: Outside, C: Clock>(
    drs: &D,
    clock: &C,
    target: &Target,
    asked: &cli::Quotas,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let unreadable = |error: CallError| {
        Failure::new(format!(
            "the quotas in use of {target} cannot be read: {error}"
        ))
        .safe("Nothing was changed.")
        .help(calls::help(&error))
    };
    let found = in_use(drs, target, clock.now().world).await;
    let InUse { quotas, running } = found.map_err(unreadable)?;
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", document(target, &quotas, &running)))?;
    } else {
        screen.print_cut(&table(&quotas))?;
        screen.print(&notes(target, &running))?;
    }
    Ok(Ending::Success)
}

fn table(quotas: &[Quota]) -> String {
    let mut rows = vec![
        ["CODE", "QUOTA", "ALLOWED", "IN USE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(quotas.iter().map(|quota| {
        vec![
            quota.code.to_owned(),
            quota.name.to_owned(),
            quota.limit.to_string(),
            quota
                .in_use
                .map_or_else(|| "-".to_owned(), |count| count.to_string()),
        ]
    }));
    report::columns(&rows)
}

fn notes(target: &Target, running: &[Job]) -> String {
    let mut lines = vec![format!(
        "\nIn {target}, as Service Quotas says, or as documented where that cannot be read. Jobs of the last {} count, \
         whoever started them.",
        report::duration(limits::SURVEY_WINDOW)
    )];
    lines.extend(running.iter().map(|job| {
        let does = match (job.launches, job.is_drill) {
            (true, true) => "drill",
            (true, false) => "recovery",
            (false, _) => "other work",
        };
        format!(
            "- {} runs since {}: {does}, {}",
            job.id,
            report::date_and_clock(job.created_at),
            several(job.servers.len(), "server")
        )
    }));
    lines.join("\n")
}

fn document(target: &Target, quotas: &[Quota], running: &[Job]) -> Value {
    let quotas: Vec<Value> = quotas
        .iter()
        .map(|quota| {
            json!({
                "quota_code": quota.code,
                "name": quota.name,
                "allowed": quota.limit,
                "in_use": quota.in_use,
            })
        })
        .collect();
    let running: Vec<Value> = running
        .iter()
        .map(|job| {
            json!({
                "job_id": job.id,
                "launches": job.launches,
                "is_drill": job.is_drill,
                "created_at": job.created_at,
                "servers": job.servers.len(),
            })
        })
        .collect();
    json!({
        "account_id": target.account_id,
        "region": target.region,
        "quotas": quotas,
        "running_jobs": running,
    })
}
