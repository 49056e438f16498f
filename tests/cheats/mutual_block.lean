-- cheat: opens a mutual block
-- wall: gate
-- statement: : False
a
mutual
theorem a : False := b
theorem b : False := a
end
