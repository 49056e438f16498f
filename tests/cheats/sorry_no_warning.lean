-- cheat: turns the warning about sorry off
-- wall: gate
-- statement: : False
by
  set_option warn.sorry false in
  sorry
