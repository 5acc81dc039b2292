"""The screen: views over events, and intents to the sitting. It holds no truth of its own."""
