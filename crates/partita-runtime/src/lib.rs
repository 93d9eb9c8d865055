//! Sessions, executors, memory ledger, storage and commit of Partita.
