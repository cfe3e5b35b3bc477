"""SIP and session descriptions: messages, transactions, who proves what, offers and answers."""
