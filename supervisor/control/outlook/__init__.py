"""Ice within a day: foreseen for roads without heat (`ice`), told in the evening, checked afterwards (`desk`)."""
