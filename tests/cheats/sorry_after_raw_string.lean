-- cheat: ends a raw string too late
-- wall: gate
-- statement: : False
by
  have : r#"a"b"# = r#"a"b"# := rfl
  exact sorry
