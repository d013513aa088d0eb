//! Which clients, and whose credentials, a call about a target goes through.
//!
//! - The account of the session, the hub, is worked in with the session's own credentials, in any Region.
//! - Every other account, a spoke, is only ever worked in as the role that its target names, with its external id.
//!
//! The configuration that clients are made from holds no credentials at all. They are put in at two places, both in
//! [`Reach::made`]: the hub's where the account is the hub's, else the spoke's role. So a call for a spoke has the role's
//! credentials or none: without a target, in a Region that it does not list, or with a role that cannot be assumed, no
//! request is made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::identity::IdentityCache;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use drs_engine::ids::Target;
use drs_engine::ports::CallError;
use drs_engine::store::targets::Targets;

use crate::classify::Call;
use crate::drs::Clients;
use crate::items::DynamoItems;
use crate::session::Identity;

pub(crate) mod check;
pub(crate) mod policy;
pub(crate) mod spoke;

use spoke::{Assumed, Spoke};

/// The configuration of every service.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) drs: SdkConfig,
    pub(crate) ec2: SdkConfig,
    pub(crate) quotas: SdkConfig,
    pub(crate) lambda: SdkConfig,
    pub(crate) ssm: SdkConfig,
    pub(crate) sts: SdkConfig,
}

/// The ways into every target. Clients are made once for each and kept, as long as the session lives.
#[derive(Debug)]
pub(crate) struct Reach {
    hub: Identity,
    /// Without credentials.
    services: Services,
    credentials: Option<SharedCredentialsProvider>,
    /// With the hub's credentials: it assumes the roles of spokes.
    sts: SdkConfig,
    targets: Targets<DynamoItems>,
    clients: Mutex<BTreeMap<Target, Arc<Clients>>>,
    spokes: Mutex<BTreeMap<String, Arc<Spoke>>>,
}

impl Reach {
    /// The ways from a hub; the services are configured with the hub's credentials.
    pub(crate) fn new(hub: Identity, services: &Services, targets: Targets<DynamoItems>) -> Self {
        Self {
            hub,
            credentials: services.drs.credentials_provider(),
            sts: services.sts.clone(),
            services: services.map(without_credentials),
            targets,
            clients: Mutex::default(),
            spokes: Mutex::default(),
        }
    }

    /// The clients for a call about a target; credentials for it are at hand when this returns.
    pub(crate) async fn clients(
        &self,
        call: Call,
        target: &Target,
    ) -> Result<Arc<Clients>, CallError> {
        if target.account_id != self.hub.account_id {
            self.spoke(&target.account_id)
                .prepare(call, &target.region)
                .await?;
        }
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(target) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.made(target, &self.spoke(&target.account_id)));
        clients.insert(target.clone(), Arc::clone(&made));
        Ok(made)
    }

    /// Clients of a target, with the credentials that may be used for it and no others.
    fn made(&self, target: &Target, spoke: &Arc<Spoke>) -> Clients {
        let services = self.services.map(|config| {
            let config = config
                .to_builder()
                .region(Region::new(target.region.clone()));
            if target.account_id == self.hub.account_id {
                let mut config = config;
                config.set_credentials_provider(self.credentials.clone());
                config.build()
            } else {
                config
                    .credentials_provider(SharedCredentialsProvider::new(Assumed(Arc::clone(
                        spoke,
                    ))))
                    // The spoke keeps its sessions itself, so that every client of it uses the same one.
                    .identity_cache(IdentityCache::no_cache())
                    .build()
            }
        });
        Clients::new(&services)
    }

    /// The one way into another account.
    fn spoke(&self, account_id: &str) -> Arc<Spoke> {
        let mut spokes = self.spokes.lock().unwrap_or_else(PoisonError::into_inner);
        let spoke = spokes
            .entry(account_id.to_owned())
            .or_insert_with(|| Arc::new(self.new_spoke(account_id)));
        Arc::clone(spoke)
    }

    fn new_spoke(&self, account_id: &str) -> Spoke {
        Spoke::new(
            account_id,
            &self.hub,
            self.sts.clone(),
            self.targets.clone(),
        )
    }
}

impl Services {
    /// The same, each changed alike.
    fn map(&self, change: impl Fn(&SdkConfig) -> SdkConfig) -> Self {
        Self {
            drs: change(&self.drs),
            ec2: change(&self.ec2),
            quotas: change(&self.quotas),
            lambda: change(&self.lambda),
            ssm: change(&self.ssm),
            sts: change(&self.sts),
        }
    }
}

fn without_credentials(config: &SdkConfig) -> SdkConfig {
    let mut config = config.to_builder();
    config.set_credentials_provider(None);
    config.build()
}
