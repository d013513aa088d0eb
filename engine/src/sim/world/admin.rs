//! What an operator can do to a world, outside of every AWS API.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::StubKind;
use super::World;
use super::fault::Injected;
use super::model::{MachineState, Server, Site, site_key};
use super::replication::Replication;
use super::stock;
use crate::sim::fleet::{self, LaunchFault, Problem, Settings, Stub};

/// A command of an operator. As JSON it is an object with one member, or a text where there is nothing to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminCommand {
    /// Injects a fault into calls.
    InjectFault(Injected),
    /// Takes back every fault that still waits.
    ClearFaults,
    /// Changes settings: what is given replaces what was. Jobs that were made keep their schedule.
    ChangeSettings(Value),
    /// Initialises DRS in a Region, or undoes it.
    SetInitialized {
        /// Where.
        place: Place,
        /// Whether it is initialised.
        initialized: bool,
    },
    /// Lets nobody assume a role of an account any more, or lets them again, or asks for another ExternalId from now on.
    SetTrust {
        /// The account.
        account_id: String,
        /// Whether a role can be assumed at all.
        #[serde(default = "yes")]
        open: bool,
        /// The ExternalId that must be sent; the one before when left out.
        #[serde(default)]
        external_id: Option<String>,
    },
    /// Adds a source server.
    AddServer {
        /// Where.
        place: Place,
        /// The server.
        server: Box<fleet::Server>,
    },
    /// Removes a source server that no job holds. Its recovery instance stays.
    RemoveServer {
        /// Where.
        place: Place,
        /// Its id or host name.
        server: String,
    },
    /// Puts a server's replication into a state.
    SetReplication {
        /// Where.
        place: Place,
        /// Its id or host name.
        server: String,
        /// The state, in DRS's words.
        state: String,
        /// Why it stalled, in DRS's words.
        #[serde(default)]
        stall_reason: Option<String>,
        /// The lag.
        #[serde(default)]
        lag_seconds: u32,
    },
    /// Begins a server's replication anew; it goes on by itself until it is continuous.
    RestartReplication {
        /// Where.
        place: Place,
        /// Its id or host name.
        server: String,
    },
    /// Says what goes wrong with a server's next launches, in place of what was said before.
    ScriptLaunches {
        /// Where.
        place: Place,
        /// Its id or host name.
        server: String,
        /// One for each launch.
        faults: Vec<LaunchFault>,
    },
    /// Adds a subnet, or replaces the one of its name.
    SetSubnet {
        /// Where.
        place: Place,
        /// The subnet.
        subnet: fleet::Subnet,
    },
    /// Makes the next version of a server's launch template. What is left out stays as it is.
    SetLaunchTemplate {
        /// Where.
        place: Place,
        /// The server's id or host name.
        server: String,
        /// The subnet by name or id; `none` for none.
        #[serde(default)]
        subnet: Option<String>,
        /// The instance type.
        #[serde(default)]
        instance_type: Option<String>,
    },
    /// Terminates an EC2 instance behind DRS's back.
    TerminateInstance {
        /// Where.
        place: Place,
        /// Its id.
        instance: String,
    },
    /// Stops an EC2 instance, or starts it again.
    SetStopped {
        /// Where.
        place: Place,
        /// Its id.
        instance: String,
        /// Whether it is stopped.
        stopped: bool,
    },
    /// Lets EC2 refuse to terminate an instance, or not.
    SetTerminationProtection {
        /// Where.
        place: Place,
        /// Its id.
        instance: String,
        /// Whether it is protected.
        protected: bool,
    },
    /// Adds a function, a document or a topic, or gives one another script.
    ScriptStub {
        /// Where.
        place: Place,
        /// Which of them.
        kind: StubKind,
        /// Its name and what happens when it is called.
        stub: Stub,
    },
    /// Lists the latest calls of functions, documents, topics and state machines.
    ListStubCalls,
    /// Lists every launch that was accepted.
    ListAcceptedLaunches,
    /// Tells how often each operation that changes something was called.
    ListCounts,
    /// Lists the faults that wait.
    ListFaults,
    /// Tells the settings.
    ShowSettings,
}

/// An account and a Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The account; the default one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The Region.
    pub region: String,
}

/// Why a command was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum AdminError {
    /// There is no room for one more fault.
    #[error("too many faults wait already")]
    TooManyFaults,
    /// What was given cannot be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// Something does not exist.
    #[error("{kind} {name} does not exist")]
    Missing {
        /// What.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something is in a state that does not allow it.
    #[error("{0}")]
    Conflict(String),
}

fn yes() -> bool {
    true
}

impl AdminCommand {
    /// Whether the command changes the world. One that does not can be asked of [`World::inspect`].
    pub fn is_mutating(&self) -> bool {
        !matches!(
            self,
            Self::ListAcceptedLaunches
                | Self::ListCounts
                | Self::ListFaults
                | Self::ListStubCalls
                | Self::ShowSettings
        )
    }
}

impl World {
    /// Carries out a command.
    pub fn admin(&mut self, at: Timestamp, command: AdminCommand) -> Result<Value, AdminError> {
        if !command.is_mutating() {
            return Ok(self.inspect(&command));
        }
        let now = self.advance(at);
        match command {
            AdminCommand::InjectFault(fault) => {
                if !self.inject(fault) {
                    return Err(AdminError::TooManyFaults);
                }
            }
            AdminCommand::ClearFaults => self.faults.clear(),
            AdminCommand::ChangeSettings(changes) => {
                self.settings = changed(&self.settings, &changes)?;
            }
            AdminCommand::SetInitialized { place, initialized } => {
                self.set_initialized(&place, initialized)?;
            }
            AdminCommand::SetTrust {
                account_id,
                open,
                external_id,
            } => self.set_trust(account_id, open, external_id)?,
            AdminCommand::AddServer { place, server } => {
                return self.add_server(&place, &server, now);
            }
            AdminCommand::SetSubnet { place, subnet } => {
                return self.set_subnet(&place, &subnet);
            }
            AdminCommand::ScriptStub { place, kind, stub } => {
                self.script_stub(&place, kind, stub)?;
            }
            at_a_site => self.admin_site(at_a_site, now)?,
        }
        Ok(json!({}))
    }

    /// Carries out a command to something that a site has.
    fn admin_site(&mut self, command: AdminCommand, now: Timestamp) -> Result<(), AdminError> {
        match command {
            AdminCommand::RemoveServer { place, server } => {
                self.site_at(&place)?.remove_server(&server, now)?;
            }
            AdminCommand::SetReplication {
                place,
                server,
                state,
                stall_reason,
                lag_seconds: lag,
            } => {
                check_state(&state, stall_reason.as_ref())?;
                let server = self.site_at(&place)?.server_named(&server)?;
                let replication = &mut server.replication;
                *replication = replication.changed(&state, stall_reason, lag, now);
            }
            AdminCommand::RestartReplication { place, server } => {
                self.site_at(&place)?.server_named(&server)?.replication =
                    Replication::started(now);
            }
            AdminCommand::ScriptLaunches {
                place,
                server,
                faults,
            } => {
                self.site_at(&place)?.server_named(&server)?.faults = faults;
            }
            AdminCommand::SetLaunchTemplate {
                place,
                server,
                subnet,
                instance_type,
            } => {
                let site = self.site_at(&place)?;
                site.change_template(&server, subnet.as_deref(), instance_type)?;
            }
            at_a_machine @ (AdminCommand::TerminateInstance { .. }
            | AdminCommand::SetStopped { .. }
            | AdminCommand::SetTerminationProtection { .. }) => {
                self.admin_machine(at_a_machine, now)?
            }
            _ => {
                unreachable!("whoever calls this has carried out every command to the whole world")
            }
        }
        Ok(())
    }

    /// Carries out a command to an instance.
    fn admin_machine(&mut self, command: AdminCommand, now: Timestamp) -> Result<(), AdminError> {
        match command {
            AdminCommand::TerminateInstance { place, instance } => {
                self.site_at(&place)?.terminate_machine(&instance, now)?;
            }
            AdminCommand::SetStopped {
                place,
                instance,
                stopped,
            } => {
                let machine = self.site_at(&place)?.machine_named(&instance, now)?;
                machine.set_stopped(stopped, now);
            }
            AdminCommand::SetTerminationProtection {
                place,
                instance,
                protected,
            } => {
                let machine = self.site_at(&place)?.machine_named(&instance, now)?;
                machine.protected = protected;
            }
            _ => unreachable!("whoever calls this has carried out every other command"),
        }
        Ok(())
    }

    /// Answers a command that changes nothing; one that would is answered with nothing.
    pub fn inspect(&self, command: &AdminCommand) -> Value {
        match command {
            AdminCommand::ListAcceptedLaunches => json!({"launches": self.accepted}),
            AdminCommand::ListCounts => json!({"counts": self.counts}),
            AdminCommand::ListFaults => json!({"faults": self.faults}),
            AdminCommand::ListStubCalls => json!({"calls": self.stub_calls}),
            AdminCommand::ShowSettings => json!({"settings": self.settings}),
            _ => json!({}),
        }
    }

    fn key_of(&self, place: &Place) -> (String, String) {
        let account_id = place
            .account_id
            .clone()
            .unwrap_or_else(|| self.default_account.clone());
        let key = site_key(&account_id, &place.region);
        (account_id, key)
    }

    fn site_at(&mut self, place: &Place) -> Result<&mut Site, AdminError> {
        let (_, key) = self.key_of(place);
        self.sites.get_mut(&key).ok_or(AdminError::Missing {
            kind: "site",
            name: key,
        })
    }

    fn set_initialized(&mut self, place: &Place, initialized: bool) -> Result<(), AdminError> {
        let (account_id, _) = self.key_of(place);
        if !self.has_account(&account_id) {
            return Err(AdminError::Missing {
                kind: "account",
                name: account_id,
            });
        }
        self.initialize(&account_id, &place.region);
        self.site_at(place)?.initialized = initialized;
        Ok(())
    }

    fn set_trust(
        &mut self,
        account_id: String,
        open: bool,
        external_id: Option<String>,
    ) -> Result<(), AdminError> {
        let Some(expected) = self.accounts.get_mut(&account_id) else {
            return Err(AdminError::Missing {
                kind: "account",
                name: account_id,
            });
        };
        if external_id.is_some() {
            *expected = external_id;
        }
        if open {
            self.closed.remove(&account_id);
        } else {
            self.closed.insert(account_id);
        }
        Ok(())
    }

    /// Unlike a server, a stand-in needs no initialised Region: the account must be there.
    fn script_stub(&mut self, place: &Place, kind: StubKind, stub: Stub) -> Result<(), AdminError> {
        let problems = fleet::stub_problems(&stub, kind == StubKind::Topic);
        if !problems.is_empty() {
            return Err(AdminError::Invalid(problems));
        }
        let (account_id, key) = self.key_of(place);
        if !self.has_account(&account_id) {
            return Err(AdminError::Missing {
                kind: "account",
                name: account_id,
            });
        }
        let site = self.sites.entry(key);
        let seed = self.seed;
        let site = site.or_insert_with(|| Site::empty(&account_id, &place.region, seed));
        site.stubs.script(kind, stub);
        Ok(())
    }

    fn add_server(
        &mut self,
        place: &Place,
        server: &fleet::Server,
        now: Timestamp,
    ) -> Result<Value, AdminError> {
        let problems = fleet::server_problems(server);
        if !problems.is_empty() {
            return Err(AdminError::Invalid(problems));
        }
        let seed = self.seed;
        let site = self.site_at(place)?;
        site.known_subnet(server.subnet.as_deref())?;
        let id = stock::server_id(&site.key(), server, seed);
        if site.servers.contains_key(&id) {
            return Err(AdminError::Conflict(format!(
                "server {id} ({}) exists already",
                server.hostname
            )));
        }
        Ok(json!({"source_server_id": site.add_server(server, seed, now, now)}))
    }

    fn set_subnet(&mut self, place: &Place, subnet: &fleet::Subnet) -> Result<Value, AdminError> {
        let problems = fleet::subnet_problems(subnet);
        if !problems.is_empty() {
            return Err(AdminError::Invalid(problems));
        }
        let seed = self.seed;
        let site = self.site_at(place)?;
        if let Some(id) = &subnet.id
            && let Some(other) = site.subnets.get(id)
            && other.name != subnet.name
        {
            return Err(AdminError::Conflict(format!(
                "subnet {id} is called `{}`",
                other.name
            )));
        }
        Ok(json!({"subnet_id": site.set_subnet(subnet, seed)}))
    }
}

impl Site {
    /// The server with an id or a host name.
    fn server_named(&mut self, name: &str) -> Result<&mut Server, AdminError> {
        let by_name = || {
            self.servers
                .values()
                .find(|server| server.hostname == name)
                .map(|server| server.id.clone())
        };
        let id = if self.servers.contains_key(name) {
            Some(name.to_owned())
        } else {
            by_name()
        };
        let server = id.and_then(|id| self.servers.get_mut(&id));
        server.ok_or_else(|| AdminError::Missing {
            kind: "source server",
            name: name.to_owned(),
        })
    }

    /// The id of a subnet that is named; none for none.
    fn known_subnet(&self, name: Option<&str>) -> Result<Option<String>, AdminError> {
        match name {
            None | Some(fleet::NO_SUBNET) => Ok(None),
            Some(name) => match self.subnet_named(name) {
                Some(id) => Ok(Some(id)),
                None => Err(AdminError::Missing {
                    kind: "subnet",
                    name: name.to_owned(),
                }),
            },
        }
    }

    fn change_template(
        &mut self,
        server: &str,
        subnet: Option<&str>,
        instance_type: Option<String>,
    ) -> Result<(), AdminError> {
        if let Some(instance_type) = &instance_type
            && super::instance_types::vcpus(instance_type).is_none()
        {
            return Err(AdminError::Missing {
                kind: "instance type",
                name: instance_type.clone(),
            });
        }
        let named = self.known_subnet(subnet)?;
        let template = &mut self.server_named(server)?.template;
        template.version += 1;
        if subnet.is_some() {
            template.subnet = named;
        }
        if let Some(instance_type) = instance_type {
            template.instance_type = instance_type;
        }
        Ok(())
    }

    fn remove_server(&mut self, name: &str, now: Timestamp) -> Result<(), AdminError> {
        let server = self.server_named(name)?;
        let (id, job) = (server.id.clone(), server.job);
        if self.is_running(job, now) {
            return Err(AdminError::Conflict(format!(
                "source server {id} is in a job"
            )));
        }
        self.servers.remove(&id);
        Ok(())
    }

    fn machine_named(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<&mut super::model::Machine, AdminError> {
        let machine = self
            .machines
            .get_mut(id)
            .filter(|machine| machine.is_listed(now));
        machine.ok_or_else(|| AdminError::Missing {
            kind: "instance",
            name: id.to_owned(),
        })
    }

    fn terminate_machine(&mut self, id: &str, now: Timestamp) -> Result<(), AdminError> {
        let machine = self.machine_named(id, now)?;
        if machine.protected && machine.state(now) != MachineState::Terminated {
            return Err(AdminError::Conflict(format!(
                "instance {id}: {}",
                super::schedule::PROTECTED
            )));
        }
        machine.end(now, now);
        Ok(())
    }
}

/// The settings with changes laid over them, member by member.
fn changed(settings: &Settings, changes: &Value) -> Result<Settings, AdminError> {
    let invalid = |message: String| {
        AdminError::Invalid(vec![Problem {
            path: "settings".to_owned(),
            message,
        }])
    };
    let mut value = serde_json::to_value(settings).map_err(|error| invalid(error.to_string()))?;
    lay_over(&mut value, changes);
    let settings: Settings =
        serde_json::from_value(value).map_err(|error| invalid(error.to_string()))?;
    let problems = fleet::settings_problems(&settings);
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(AdminError::Invalid(problems))
    }
}

fn lay_over(value: &mut Value, changes: &Value) {
    match (value, changes) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                lay_over(members.entry(name.clone()).or_insert(Value::Null), change);
            }
        }
        (value, change) => *value = change.clone(),
    }
}

fn check_state(state: &str, stall_reason: Option<&String>) -> Result<(), AdminError> {
    let described = fleet::Server {
        replication_state: state.to_owned(),
        stall_reason: stall_reason.cloned(),
        ..fleet::Server::named("server")
    };
    let problems = fleet::server_problems(&described);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(AdminError::Invalid(problems))
    }
}
