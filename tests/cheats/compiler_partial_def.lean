-- cheat: proves by a function that does not end
-- wall: gate
-- statement: : False
go
where partial go : False := go
