"""Know how the conditions of a route are written for Envoy's matchers.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/matching/matching_api
"""

from envoy_data_plane.envoy.config.route.v3 import Route
from envoy_data_plane.envoy.type.matcher.v3 import HttpRequestHeaderMatchInput
from envoy_data_plane.xds.core.v3 import TypedExtensionConfig
from envoy_data_plane.xds.type.matcher.v3 import (
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicatePredicateList,
    MatcherMatcherListPredicateSinglePredicate,
    MatcherOnMatch,
    RegexMatcher,
    RegexMatcherGoogleRe2,
    StringMatcher,
)

from xds.wire.codec import pack


def on_match(route: Route) -> MatcherOnMatch:
    """Return that a route is taken."""
    return MatcherOnMatch(action=TypedExtensionConfig(name="route", typed_config=pack(route)))


def all_of(*predicates: MatcherMatcherListPredicate) -> MatcherMatcherListPredicate:
    """Return the condition that all of some hold."""
    return MatcherMatcherListPredicate(
        and_matcher=MatcherMatcherListPredicatePredicateList(predicate=list(predicates))
    )


def header_is(name: str, value: StringMatcher) -> MatcherMatcherListPredicate:
    """Return the condition that a header of the request has a value."""
    return MatcherMatcherListPredicate(
        single_predicate=MatcherMatcherListPredicateSinglePredicate(
            input=header(name), value_match=value
        )
    )


def header(name: str) -> TypedExtensionConfig:
    """Return the input of a matcher that is a header of the request."""
    return TypedExtensionConfig(
        name="request-header",
        typed_config=pack(HttpRequestHeaderMatchInput(header_name=name)),
    )


def regex(pattern: str) -> StringMatcher:
    """Return the value of everything that a regular expression matches as a whole."""
    return StringMatcher(safe_regex=RegexMatcher(google_re2=RegexMatcherGoogleRe2(), regex=pattern))
