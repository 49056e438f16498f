-- cheat: tries honest tactics and falls back on sorry
-- wall: gate
-- statement: : False
by first | omega | simp | sorry
