-- cheat: opens a namespace that renames what follows
-- wall: gate
-- statement: : True
trivial
namespace X
