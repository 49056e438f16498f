-- cheat: rewrites with an equation that is sorry
-- wall: gate
-- statement: : 2 + 2 = 5
by rw [(sorry : 2 + 2 = 5)]
