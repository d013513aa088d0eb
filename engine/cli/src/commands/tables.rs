//! `drsctl tables`: makes or checks the three tables of an environment.

use crate::cli::{Place, TablesAction};
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) async fn tables(
    place: &Place,
    action: TablesAction,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let mut settings = connect::settings(place)?;
    settings.create_tables = action == TablesAction::Create;
    let connection = connect::connect(settings).await?;
    let ensured = connection.session.ensure_tables().await;
    ensured.map_err(|error| {
        let failure = Failure::new(error.to_string());
        match action {
            TablesAction::Create => failure,
            TablesAction::Check => failure.safe("Nothing was changed."),
        }
    })?;
    screen.print(&format!(
        "The tables of {} are there and fit.",
        connection.place.describe()
    ))?;
    Ok(Ending::Success)
}
