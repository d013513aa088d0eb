//! Whether a target can be worked in: assumes its role, and tries the calls that only look.
//!
//! It changes nothing, and it goes on where a run would stop, so that a person reads everything that is missing at once.

use std::sync::Arc;

use drs_engine::ids::Target;
use drs_engine::ports::{CallError, Kind, ROLE_NOT_ASSUMABLE, TARGET_NOT_CONFIGURED};

use super::Reach;
use super::spoke::{Spoke, WRONG_ACCOUNT};
use crate::classify::Call;
use crate::drs::Clients;
use crate::limits;

const ENTER: Call = Call::reads("sts:AssumeRole");

/// What came of checking a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetCheck {
    /// The account.
    pub account_id: String,
    /// The role that was assumed; none for the session's own account.
    pub role_arn: Option<String>,
    /// Everything that was tried: the role first, then Region by Region.
    pub findings: Vec<TargetFinding>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFinding {
    /// The Region; none where it is about the account.
    pub region: Option<String>,
    /// The action that was tried, in words of IAM, e.g. `drs:DescribeJobs`.
    pub action: &'static str,
    /// What came of it.
    pub outcome: TargetOutcome,
    /// What was found, and what helps.
    pub text: String,
}

/// What came of one thing that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetOutcome {
    /// It works.
    Works,
    /// The account is not a target, or its target makes no sense.
    NotConfigured,
    /// The role could not be assumed.
    RoleNotAssumable,
    /// The role's session belongs to another account.
    WrongAccount,
    /// The permission is missing.
    Denied,
    /// DRS is not initialised in the Region.
    NotInitialized,
    /// It could not be found out: no connection, throttling, an answer that makes no sense.
    Unknown,
}

impl TargetCheck {
    /// Whether everything works.
    pub fn works(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.outcome == TargetOutcome::Works)
    }
}

impl TargetOutcome {
    /// Its word, e.g. in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::NotConfigured => "not_configured",
            Self::RoleNotAssumable => "role_not_assumable",
            Self::WrongAccount => "wrong_account",
            Self::Denied => "denied",
            Self::NotInitialized => "not_initialized",
            Self::Unknown => "unknown",
        }
    }
}

impl Reach {
    /// Tries everything, with a new session of the role: one from before would not show that it can be assumed now.
    pub(crate) async fn check(&self, account_id: &str, own_region: &str) -> TargetCheck {
        let mut check = TargetCheck {
            account_id: account_id.to_owned(),
            role_arn: None,
            findings: Vec::new(),
        };
        let spoke = Arc::new(self.new_spoke(account_id));
        let regions: Vec<String> = if account_id == self.hub.account_id {
            vec![own_region.to_owned()]
        } else {
            match spoke.enter(ENTER).await {
                Ok(target) => {
                    let text = format!("{} can be assumed", target.config.role_arn);
                    check.role_arn = Some(target.config.role_arn);
                    check.findings.push(TargetFinding {
                        region: None,
                        action: ENTER.name,
                        outcome: TargetOutcome::Works,
                        text,
                    });
                    target.config.regions.into_iter().collect()
                }
                Err(error) => {
                    check.findings.push(failed(None, error.call, &error));
                    return check;
                }
            }
        };
        for some in regions.chunks(limits::REGIONS_CHECKED_TOGETHER) {
            check
                .findings
                .extend(self.try_regions(account_id, some, &spoke).await);
        }
        check
    }

    /// Tries several Regions at the same time.
    async fn try_regions(
        &self,
        account_id: &str,
        regions: &[String],
        spoke: &Arc<Spoke>,
    ) -> Vec<TargetFinding> {
        let tries: Vec<_> = regions
            .iter()
            .map(|region| {
                let target = Target {
                    account_id: account_id.to_owned(),
                    region: region.clone(),
                };
                let clients = self.made(&target, spoke);
                tokio::spawn(async move { try_region(&target.region, &clients).await })
            })
            .collect();
        let mut findings = Vec::new();
        for tried in tries {
            // A task that ended badly has been reported where it did; its Region is then missing from what was found.
            findings.extend(tried.await.unwrap_or_default());
        }
        findings
    }
}

async fn try_region(region: &str, clients: &Clients) -> Vec<TargetFinding> {
    let mut findings = Vec::new();
    for (call, tried) in clients.try_reads().await {
        findings.push(match tried {
            Ok(()) => TargetFinding {
                region: Some(region.to_owned()),
                action: call.name,
                outcome: TargetOutcome::Works,
                text: "allowed".to_owned(),
            },
            Err(error) => failed(Some(region), call.name, &error),
        });
    }
    findings
}

fn failed(region: Option<&str>, action: &'static str, error: &CallError) -> TargetFinding {
    let place = region.map_or_else(String::new, |region| format!(" in {region}"));
    let (outcome, text) = match error.code.as_str() {
        TARGET_NOT_CONFIGURED => (TargetOutcome::NotConfigured, error.message.clone()),
        ROLE_NOT_ASSUMABLE => (TargetOutcome::RoleNotAssumable, error.message.clone()),
        WRONG_ACCOUNT => (TargetOutcome::WrongAccount, error.message.clone()),
        "UninitializedAccountException" => (
            TargetOutcome::NotInitialized,
            format!(
                "DRS is not initialised{place}: an administrator of the account opens the DRS console there once, or \
                 calls drs:InitializeService; or the target does not list this Region"
            ),
        ),
        _ if error.kind == Kind::Refused && error.is_denied() => (
            TargetOutcome::Denied,
            format!(
                "{action} is denied{place}: allow it in the permissions of the role ({}: {})",
                error.code, error.message
            ),
        ),
        _ => (
            TargetOutcome::Unknown,
            format!("{action} could not be tried{place}: {error}"),
        ),
    };
    TargetFinding {
        region: region.map(ToOwned::to_owned),
        action,
        outcome,
        text,
    }
}
