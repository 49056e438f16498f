-- cheat: tries honest tactics and falls back on sorry
-- statement: : False
by first | omega | simp | sorry
