//! Task graph, static order and scheduler state machine of Partita.
