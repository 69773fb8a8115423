"""The one script: filters on a page of many pictures. Without it a page shows them all and no filters."""

SCRIPT = """
"use strict";
(() => {
  const filters = document.getElementById("filters");
  const told = document.getElementById("told");
  const cards = Array.from(document.querySelectorAll("article[data-label]"));
  if (!filters || !told || cards.length < 2) return;
  const choose = (name) => document.getElementById("by-" + name);
  const texts = new Map();
  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };
  const holds = (card, name, value) => !value || card.dataset[name].split(" ").includes(value);
  const apply = () => {
    const words = choose("text").value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const fits = holds(card, "label", choose("label").value)
        && holds(card, "kinds", choose("kind").value)
        && holds(card, "codes", choose("code").value)
        && words.every((word) => textOf(card).includes(word));
      card.hidden = !fits;
      count += fits;
    }
    for (const section of document.querySelectorAll("section.cards"))
      section.hidden = !section.querySelector("article:not([hidden])");
    told.textContent = count + " of " + cards.length + " pictures shown";
  };
  let waiting;
  filters.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 120); });
  filters.hidden = false;
  apply();
})();
"""
