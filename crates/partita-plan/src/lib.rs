//! Expressions, plan nodes, optimizer stages and lowering of Partita.
