// The page around asciinema's player: the list of turns moves it, and follows it.
"use strict";

(() => {
  const cast = JSON.parse(document.getElementById("cast").textContent);
  const turns = [...document.querySelectorAll("nav button")];
  const player = AsciinemaPlayer.create({ data: cast }, document.getElementById("player"), {
    fit: "width",
    idleTimeLimit: 2,
    preload: true,
  });

  function show(index) {
    turns.forEach((turn, at) => {
      if (at === index) {
        turn.setAttribute("aria-current", "true");
      } else {
        turn.removeAttribute("aria-current");
      }
    });
  }

  player.addEventListener("marker", ({ index }) => show(index));
  turns.forEach((turn, index) => {
    // By number, not by time: the player shortens what is idle.
    turn.addEventListener("click", async () => {
      await player.seek({ marker: index });
      show(index);
    });
  });
})();
