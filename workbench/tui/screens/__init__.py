"""The screens: main, compare, help and what stands over them."""
