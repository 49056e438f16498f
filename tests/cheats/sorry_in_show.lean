-- cheat: hides sorry behind show ... from
-- wall: gate
-- statement: : False
show False from by first | done | sorry
