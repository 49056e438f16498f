-- cheat: puts sorry in a local declaration
-- wall: gate
-- statement: : False
go
where
  go : False := sorry
