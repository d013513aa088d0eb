//! What DRS allows in a target, and how much of it is in use, by whomever.

use jiff::Timestamp;

use crate::ids::Target;
use crate::limits::{self, Quotas};
use crate::ports::{CallError, Drs, Job, WhichJobs};
use crate::time::before;

/// One quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its code in Service Quotas.
    pub code: &'static str,
    /// What it bounds.
    pub name: &'static str,
    /// How much is allowed: what Service Quotas says, or what is documented where that cannot be read.
    pub limit: usize,
    /// How much is in use; none where it bounds each job for itself.
    pub in_use: Option<usize>,
}

/// What is in use of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The quotas.
    pub quotas: [Quota; 4],
    /// The jobs of the last day that run, whoever started them.
    pub running: Vec<Job>,
}

/// Looks how much of the quotas of a target is in use at an instant of the world.
///
/// # Errors
///
/// When DRS cannot be asked.
pub async fn in_use<D: Drs>(drs: &D, target: &Target, at: Timestamp) -> Result<InUse, CallError> {
    let since = before(at, limits::SURVEY_WINDOW);
    let allowed = drs.quotas(target).await?;
    let mut running = drs.jobs(target, &WhichJobs::Since(since)).await?;
    running.retain(|job| !job.completed);
    let servers = drs.source_servers(target, None).await?;
    Ok(InUse {
        quotas: of(&allowed, &running, servers.len()),
        running,
    })
}

fn of(allowed: &Quotas, running: &[Job], source_servers: usize) -> [Quota; 4] {
    let in_jobs = running.iter().map(|job| job.servers.len()).sum();
    [
        Quota {
            code: "L-D88FAC3A",
            name: "concurrent jobs in progress",
            limit: allowed.jobs as usize,
            in_use: Some(running.len()),
        },
        Quota {
            code: "L-05AFA8C6",
            name: "source servers in all jobs",
            limit: allowed.servers_in_jobs as usize,
            in_use: Some(in_jobs),
        },
        Quota {
            code: "L-B827C881",
            name: "source servers in one job",
            limit: allowed.servers_per_job as usize,
            in_use: None,
        },
        Quota {
            code: "L-E28BE5E0",
            name: "source servers, as documented",
            limit: limits::SERVERS_PER_TARGET,
            in_use: Some(source_servers),
        },
    ]
}
