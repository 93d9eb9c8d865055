//! `completions` and `man`: what shells and manuals have of the command line.

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::args::{Cli, Completions, Manual};
use crate::cli::failure::Failure;
use crate::cli::output;

/// Prints a script that completes commands and flags.
///
/// # Errors
/// Standard output that takes nothing.
pub(crate) fn completions(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "partita", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

/// Prints a page of the manual.
///
/// # Errors
/// A command that there is not; standard output that takes nothing.
pub(crate) fn manual(args: &Manual) -> Result<(), Failure> {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => match all.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
                let message = format!("there is no command {name}; there are {}", names.join(", "));
                return Err(Failure::usage(message));
            }
        },
    };
    let mut page = Vec::new();
    let source = format!("partita {}", env!("CARGO_PKG_VERSION"));
    Man::new(command).source(source).render(&mut page).map_err(|error| Failure::io("the page", &error))?;
    output::print(&String::from_utf8_lossy(&page))
}
