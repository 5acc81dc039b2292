"""Who answers: the Anthropic client, the offline script, the tape."""
